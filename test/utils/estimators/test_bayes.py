"""Naive Bayes of all clients is that of all data."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB

from fedn.utils.sklearnhelper import SklearnHelper

Averaged = Callable[..., Any]

RNG = np.random.default_rng(3)
SIZES = (40, 7, 120)
X = RNG.normal([3, -50, 0, 1], [1, 9, 0.1, 2], (sum(SIZES), 4))
Y = RNG.integers(0, 3, len(X)) * 10
X[:, 0] += Y / 10
COUNTS = RNG.poisson(2.0, X.shape) + (Y[:, np.newaxis] == [0, 10, 20, 30])
PARTS = np.split(np.arange(len(X)), np.cumsum(SIZES)[:-1])

COUNTING: list[Any] = [
    MultinomialNB(),
    MultinomialNB(alpha=0.3, fit_prior=False),
    ComplementNB(),
    ComplementNB(norm=True),
    BernoulliNB(binarize=1.5),
    CategoricalNB(min_categories=int(COUNTS.max()) + 1),
]


def fresh(estimator: Any) -> Any:
    return type(estimator)(**estimator.get_params())


def test_gaussian_bayes_of_all_clients_is_that_of_all_data(helper: SklearnHelper, averaged: Averaged) -> None:
    classes = np.unique(Y)
    seed = helper.seed(GaussianNB(), features=4, classes=classes)
    without = PARTS[1][Y[PARTS[1]] != 20]  # this client has no example of a class
    parts = [PARTS[0], without, PARTS[2]]
    clients = [GaussianNB().partial_fit(X[part], Y[part], classes=seed["classes_"]) for part in parts]
    updates = [(helper.parameters(model), len(part)) for model, part in zip(clients, parts, strict=True)]
    assert [int(update["examples"]) for update, _ in updates] == [len(part) for part in parts]
    restored = helper.restore(GaussianNB(), averaged(seed, updates), examples=sum(map(len, parts)))
    everything = np.concatenate(parts)
    pooled = GaussianNB().fit(X[everything], Y[everything])
    for name in ("theta_", "var_", "epsilon_", "class_prior_", "class_count_", "classes_"):
        assert_allclose(getattr(restored, name), getattr(pooled, name), rtol=1e-9, err_msg=name)
    assert_allclose(restored.predict_proba(X), pooled.predict_proba(X), rtol=1e-7, atol=1e-12)
    assert restored.n_features_in_ == 4


def test_gaussian_bayes_keeps_given_priors_and_smoothing(helper: SklearnHelper) -> None:
    settings: dict[str, Any] = {"priors": [0.2, 0.3, 0.5], "var_smoothing": 0.1}
    pooled = GaussianNB(**settings).fit(X, Y)
    restored = helper.restore(GaussianNB(**settings), helper.parameters(GaussianNB().fit(X, Y)))
    assert_allclose(restored.var_, pooled.var_)
    assert_allclose(restored.class_prior_, [0.2, 0.3, 0.5])


@pytest.mark.parametrize("estimator", COUNTING, ids=repr)
def test_counting_bayes_of_all_clients_is_that_of_all_data(
    estimator: Any, helper: SklearnHelper, averaged: Averaged
) -> None:
    seed = helper.seed(estimator, features=4, classes=[20, 0, 10])
    clients = [fresh(estimator).partial_fit(COUNTS[part], Y[part], classes=seed["classes_"]) for part in PARTS]
    updates = [(helper.parameters(model), len(part)) for model, part in zip(clients, PARTS, strict=True)]
    mean = averaged(seed, updates)
    pooled = fresh(estimator).fit(COUNTS, Y)
    restored = helper.restore(fresh(estimator), mean, examples=len(X))
    counted = "category_count_" if isinstance(estimator, CategoricalNB) else "feature_count_"
    for name in ("class_count_", counted, "feature_log_prob_", "class_log_prior_"):
        for one, other in zip(getattr(restored, name), getattr(pooled, name), strict=True):
            assert_allclose(one, other, rtol=1e-9, atol=1e-200, err_msg=name)
    assert_allclose(restored.predict_proba(COUNTS), pooled.predict_proba(COUNTS), rtol=1e-9)
    # Unless told, it takes the number of examples of a typical client, which smooths more.
    smaller = helper.restore(fresh(estimator), mean)
    assert_allclose(smaller.class_count_.sum(), sum(size**2 for size in SIZES) / len(X))


def test_counting_bayes_goes_on_from_a_model(helper: SklearnHelper) -> None:
    half, rest = slice(0, 80), slice(80, None)
    restored = helper.restore(MultinomialNB(), helper.parameters(MultinomialNB().fit(COUNTS[half], Y[half])))
    restored.partial_fit(COUNTS[rest], Y[rest])
    assert_allclose(restored.feature_log_prob_, MultinomialNB().fit(COUNTS, Y).feature_log_prob_)
