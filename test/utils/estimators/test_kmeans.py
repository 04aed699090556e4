"""A round of k-means is a step of Lloyd's algorithm on all data."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.cluster import KMeans, MiniBatchKMeans

from fedn.core.dtypes import Array
from fedn.utils.sklearnhelper import SklearnHelper

Averaged = Callable[..., Any]

RNG = np.random.default_rng(3)
SIZES = (40, 7, 120)
X = RNG.normal([3, -50, 0, 1], [1, 9, 0.1, 2], (sum(SIZES), 4))
X[:, 0] += RNG.integers(0, 3, len(X))
PARTS = np.split(np.arange(len(X)), np.cumsum(SIZES)[:-1])


def lloyd(points: Array, centres: Array) -> Any:
    return KMeans(len(centres), init=centres, n_init=1, max_iter=1).fit(points).cluster_centers_


@pytest.mark.parametrize("kind", [KMeans, MiniBatchKMeans])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rounds_of_k_means_are_steps_on_all_data(
    kind: Any, dtype: Any, helper: SklearnHelper, averaged: Averaged
) -> None:
    centres = X[[0, 50, 100]]
    model = helper.seed(kind(3, init=centres), features=4, dtype=dtype)
    assert model["start"].dtype == dtype
    for _ in range(3):
        updates = []
        for part in PARTS:
            estimator = helper.restore(kind(3), model)
            assert estimator.cluster_centers_.dtype == dtype
            updates.append((helper.lloyd_step(estimator, X[part]), len(part)))
        model = averaged(model, updates)
        centres = lloyd(X, centres)
        restored = helper.restore(kind(3), model)
        assert_allclose(restored.cluster_centers_, centres, rtol=1e-12 if dtype == np.float64 else 1e-5)
    assert_allclose(model["share"], np.bincount(restored.predict(X.astype(dtype))) / len(X), atol=0.05)


def test_a_cluster_that_nobody_has_stays(helper: SklearnHelper, averaged: Averaged) -> None:
    centres = np.array([X[0], [1e6] * 4, X[100]])
    model = helper.seed(KMeans(3, init=centres), features=4)
    updates = [(helper.lloyd_step(helper.restore(KMeans(3), model), X[part]), len(part)) for part in PARTS]
    moved = helper.restore(KMeans(3), averaged(model, updates)).cluster_centers_
    assert_allclose(moved[1], centres[1])
    assert_allclose(moved[[0, 2]], lloyd(X, centres[[0, 2]]))


def test_a_cluster_that_one_client_lacks_is_where_the_others_have_it(helper: SklearnHelper, averaged: Averaged) -> None:
    near, far = X[:20], X[20:40] + 1000
    model = helper.seed(KMeans(2, init=[[0] * 4, [1000] * 4]), features=4)
    updates = [(helper.lloyd_step(helper.restore(KMeans(2), model), part), 20) for part in (near, far)]
    restored = helper.restore(KMeans(2), averaged(model, updates))
    assert_allclose(restored.cluster_centers_, [near.mean(axis=0), far.mean(axis=0)])


@pytest.mark.parametrize("kind", [KMeans, MiniBatchKMeans])
def test_a_fitted_k_means_is_handed_out_and_restored(kind: Any, helper: SklearnHelper) -> None:
    model = kind(3, n_init=1, random_state=0).fit(X)
    restored = helper.restore(kind(3), helper.parameters(model))
    np.testing.assert_array_equal(restored.predict(X), model.predict(X))
    assert_allclose(restored.transform(X), model.transform(X))
    again = helper.parameters(restored)
    for name, array in helper.parameters(model).items():
        assert_allclose(again[name], array, rtol=1e-12, err_msg=name)


def test_mini_batches_go_on_from_a_model(helper: SklearnHelper) -> None:
    model = MiniBatchKMeans(3, n_init=1, random_state=0).fit(X)
    restored = helper.restore(MiniBatchKMeans(3, random_state=0), helper.parameters(model))
    before = restored.cluster_centers_.copy()
    restored.partial_fit(X[:30])
    moved = np.abs(restored.cluster_centers_ - before).max()
    assert 0 < moved < 5
