"""Any estimator, taken apart and restored; what the means of each family are, `estimators/` tests."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LinearRegression,
    LogisticRegression,
    Perceptron,
    Ridge,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, LinearSVC, LinearSVR

from fedn.core.layout import Layout
from fedn.errors import InvalidInput, InvalidModel
from fedn.utils.helpers import get_helper
from fedn.utils.sklearnhelper import SklearnHelper

RNG = np.random.default_rng(3)
X = RNG.normal([3, -50, 0, 1], [1, 9, 0.1, 2], (167, 4))
Y = RNG.integers(0, 3, len(X)) * 10
X[:, 0] += Y / 10
COUNTS = RNG.poisson(2.0, X.shape) + (Y[:, np.newaxis] == [0, 10, 20, 30])

CLASSIFIERS: list[Any] = [
    LogisticRegression(),
    LinearSVC(dual="auto", random_state=0),
    SGDClassifier(random_state=0),
    SGDClassifier(loss="log_loss", fit_intercept=False, random_state=0),
    Perceptron(random_state=0),
    GaussianNB(),
]
REGRESSORS: list[Any] = [
    LinearRegression(),
    LinearRegression(fit_intercept=False),
    Ridge(),
    Lasso(alpha=0.01),
    ElasticNet(alpha=0.01),
    LinearSVR(dual="auto", random_state=0),
    SGDRegressor(random_state=0),
]
COUNTING: list[Any] = [
    MultinomialNB(),
    MultinomialNB(alpha=0.3, fit_prior=False),
    ComplementNB(),
    ComplementNB(norm=True),
    BernoulliNB(binarize=1.5),
    CategoricalNB(min_categories=int(COUNTS.max()) + 1),
]

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def helper() -> SklearnHelper:
    helper = get_helper("sklearn")
    assert isinstance(helper, SklearnHelper)
    return helper


def fresh(estimator: Any) -> Any:
    return type(estimator)(**estimator.get_params())


@pytest.mark.parametrize("estimator", CLASSIFIERS + COUNTING, ids=repr)
def test_a_restored_classifier_predicts_the_same(estimator: Any, helper: SklearnHelper, tmp_path: Path) -> None:
    data = COUNTS if estimator in COUNTING else X
    for labels in (Y, Y > 0, np.array(["a", "b", "c"])[Y // 10]):
        model = fresh(estimator).fit(data, labels)
        helper.save_model(helper.parameters(model), tmp_path / "model")
        restored = fresh(estimator)
        classes = model.classes_ if labels.dtype.kind == "U" else None
        assert helper.restore(restored, helper.load_model(tmp_path / "model"), classes=classes) is restored
        np.testing.assert_array_equal(restored.classes_, model.classes_, strict=True)
        np.testing.assert_array_equal(restored.predict(data), model.predict(data), strict=True)
        for method in ("predict_proba", "decision_function"):
            if hasattr(model, method):
                with np.errstate(invalid="ignore"):  # far from all classes some give each a chance of 0, and then NaN
                    found, expected = (getattr(one, method)(data) for one in (restored, model))
                assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
        again = helper.parameters(restored)
        assert again.keys() == helper.parameters(model).keys()
        for name, array in helper.parameters(model).items():
            assert_allclose(again[name], array, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("estimator", REGRESSORS, ids=repr)
def test_a_restored_regressor_predicts_the_same(estimator: Any, helper: SklearnHelper) -> None:
    model = fresh(estimator).fit(X / 10, X @ [1, 2, 3, 4])
    parameters = helper.parameters(model)
    assert "classes_" not in parameters and parameters["coef_"].shape == (4,) and parameters["intercept_"].shape == (1,)
    assert_allclose(helper.restore(fresh(estimator), parameters).predict(X), model.predict(X))


@pytest.mark.parametrize("estimator", CLASSIFIERS + REGRESSORS + COUNTING, ids=repr)
@pytest.mark.parametrize("classes", [[0, 10, 20], [False, True]], ids=["three", "two"])
def test_a_seed_has_the_layout_of_an_update(estimator: Any, classes: list[Any], helper: SklearnHelper) -> None:
    seed = helper.seed(estimator, features=4, classes=classes)
    model = fresh(estimator).fit(COUNTS, Y if len(classes) == 3 else Y > 0)
    Layout.of(seed).check(helper.parameters(model))
    assert len(helper.restore(fresh(estimator), seed).predict(COUNTS)) == len(X)


def test_nothing_is_known_of_other_estimators(helper: SklearnHelper) -> None:
    for estimator in (RandomForestClassifier(), SVC(kernel="linear"), make_pipeline(GaussianNB()), object()):
        for use in (helper.parameters, lambda e: helper.restore(e, {}), lambda e: helper.seed(e, features=1)):
            with pytest.raises(InvalidInput, match=f"{type(estimator).__name__} has no parameters whose mean.*KMeans"):
                use(estimator)


def test_an_estimator_derived_from_a_known_one_is_known(helper: SklearnHelper) -> None:
    class Mine(GaussianNB):
        pass

    assert helper.parameters(Mine().fit(X, Y)).keys() == helper.parameters(GaussianNB().fit(X, Y)).keys()


@pytest.mark.parametrize("estimator", [GaussianNB(), SGDRegressor(), MultinomialNB(), CategoricalNB(), KMeans()])
def test_an_unfitted_estimator_has_no_parameters(estimator: Any, helper: SklearnHelper) -> None:
    with pytest.raises(InvalidInput, match=r"this \w+ has no \w+_ \(fit it, or restore it"):
        helper.parameters(estimator)


def test_what_a_model_lacks_is_said(helper: SklearnHelper) -> None:
    linear = helper.seed(LogisticRegression(), features=4, classes=[0, 1])
    with pytest.raises(InvalidModel, match="a model of a GaussianNB has 'share', this one has: coef_, intercept_"):
        helper.restore(GaussianNB(), linear)
    with pytest.raises(InvalidModel, match="2 classes doesn't fit the 3"):
        helper.restore(LogisticRegression(), linear, classes=[0, 1, 2])
    words = helper.seed(LogisticRegression(), features=4, classes=["yes", "no"])
    assert "classes_" not in words
    with pytest.raises(InvalidInput, match=r"doesn't say its classes \(give restore"):
        helper.restore(LogisticRegression(), words)
    assert list(helper.restore(LogisticRegression(), words, classes=["yes", "no"]).classes_) == ["no", "yes"]
    with pytest.raises(InvalidInput, match="two classes or more"):
        helper.seed(LogisticRegression(), features=4)
    with pytest.raises(InvalidInput, match="centres to set out from"):
        helper.seed(KMeans(3), features=4)
    with pytest.raises(InvalidInput, match="min_categories"):
        helper.seed(CategoricalNB(), features=4, classes=[0, 1])
    with pytest.raises(InvalidInput, match="average=False"):
        helper.restore(SGDRegressor(average=True), helper.seed(SGDRegressor(), features=4))
    with pytest.raises(InvalidInput, match="GaussianNB is no k-means"):
        helper.lloyd_step(GaussianNB(), X)
    with pytest.raises(InvalidInput, match="fitted on no example"):
        helper.parameters(fitted_on_nothing())
    with pytest.raises(InvalidInput, match="arrays by name are expected, and this is a GaussianNB"):
        helper.save_model(GaussianNB())  # type: ignore[arg-type]


def fitted_on_nothing() -> Any:
    model = GaussianNB().fit(X, Y)
    model.class_count_ *= 0
    return model
