"""Linear models learn in rounds, and go on where they were."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_digits
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, SGDClassifier, SGDRegressor

from fedn.utils.sklearnhelper import SklearnHelper

Averaged = Callable[..., Any]

RNG = np.random.default_rng(3)
X = RNG.normal([3, -50, 0, 1], [1, 9, 0.1, 2], (167, 4))
Y = RNG.integers(0, 3, len(X)) * 10
X[:, 0] += Y / 10

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def fresh(estimator: Any) -> Any:
    return type(estimator)(**estimator.get_params())


def test_linear_models_of_several_targets(helper: SklearnHelper) -> None:
    model = LinearRegression().fit(X, X @ RNG.normal(size=(4, 2)))
    restored = helper.restore(LinearRegression(), helper.parameters(model))
    assert_allclose(restored.predict(X), model.predict(X))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_stochastic_gradient_descent_learns_in_rounds(dtype: Any, helper: SklearnHelper, averaged: Averaged) -> None:
    digits = load_digits()
    images, labels = (digits.data / 16).astype(dtype), digits.target
    parts = np.split(np.argsort(labels // 2, kind="stable"), [500, 900])  # no client has all digits
    assert all(len(np.unique(labels[part])) < 10 for part in parts)
    make = SGDClassifier(loss="log_loss", random_state=0)
    model: Any = helper.seed(make, features=64, classes=range(10), dtype=dtype)
    for _ in range(20):
        updates = []
        for part in parts:
            estimator = helper.restore(fresh(make), model).partial_fit(images[part], labels[part])
            updates.append((helper.parameters(estimator), len(part)))
        model = averaged(model, updates)
    assert model["coef_"].dtype == dtype
    np.testing.assert_array_equal(model["classes_"], range(10))
    assert helper.restore(fresh(make), model).score(images, labels) > 0.85


def test_gradient_descent_goes_on_where_it_was(helper: SklearnHelper) -> None:
    for estimator, target in ((SGDClassifier(random_state=0), Y), (SGDRegressor(random_state=0), Y / 10)):
        whole = fresh(estimator).fit(X, target)
        parameters = helper.parameters(whole)
        restored = helper.restore(fresh(estimator), parameters)
        coef = parameters["coef_"].copy()
        for model in (whole, restored):
            model.partial_fit(X, target)
        assert_allclose(restored.coef_, whole.coef_)
        assert restored.t_ == whole.t_
        np.testing.assert_array_equal(parameters["coef_"], coef)  # it was trained on a copy


@pytest.mark.parametrize(
    "estimator", [LogisticRegression(warm_start=True, max_iter=1), Lasso(warm_start=True, max_iter=1)]
)
def test_a_warm_start_begins_at_the_model(estimator: Any, helper: SklearnHelper) -> None:
    target = Y if isinstance(estimator, LogisticRegression) else X @ [1, 2, 3, 4]
    solution = fresh(estimator).set_params(max_iter=10_000, tol=1e-10).fit(X, target)
    restored = helper.restore(fresh(estimator), helper.parameters(solution)).fit(X, target)
    assert_allclose(restored.coef_, solution.coef_, rtol=1e-3, atol=1e-6)
    assert not np.allclose(fresh(estimator).fit(X, target).coef_, solution.coef_, rtol=1e-3)
