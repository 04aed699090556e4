"""k-means, by the sums that its centres are made of, for one example: their mean over the clients is that of all data.

With n_k examples x nearest to centre k among n, a client hands out `share` n_k/n, and `share_centre`, the sum of the x
divided by n. Averaged, weighted by n, their quotient is the mean of all the data's examples nearest to the centre: a
step of Lloyd's algorithm on all data, if all clients set out from the same centres. These are the `start`: a cluster
that nobody has an example of stays where it was.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fedn.core.dtypes import Array, DType
from fedn.errors import InvalidInput
from fedn.utils.estimators.family import Family, Parameters, fitted, floats, names_of, scale, taken


class KMeans(Family):
    """`examples`, `share`, `share_centre` and `start`, the latter two in the type of the centres, which X must have."""

    NAMES = frozenset({"KMeans", "MiniBatchKMeans"})
    CLASSIFIES = False

    def parameters(self, estimator: Any) -> dict[str, Array]:
        """The centres of an estimator, with a weight for each example that it was fitted on."""
        centres = np.array(fitted(estimator, "cluster_centers_"))
        if "MiniBatchKMeans" in names_of(estimator) or not hasattr(estimator, "labels_"):  # of the last batch only
            counts = floats(fitted(estimator, "_counts"), "counts")
        else:
            counts = _counts(estimator.labels_, centres)
        return _parameters(centres, counts, counts[:, np.newaxis] * centres)

    def step(self, estimator: Any, examples: Any) -> dict[str, Array]:
        """The centres after a step of Lloyd's algorithm from those of the estimator, which is not changed.

        Args:
            examples: Array of shape (examples, features).
        """
        centres = np.array(fitted(estimator, "cluster_centers_"))
        # scikit-learn takes examples of the type of the centres only.
        points = np.asarray(examples, centres.dtype)
        nearest = estimator.predict(points)
        sums = [points[nearest == k].sum(axis=0, dtype=np.float64) for k in range(len(centres))]
        return _parameters(centres, _counts(nearest, centres), np.array(sums))

    def restore(self, estimator: Any, parameters: Parameters, examples: float | None) -> None:
        share, sums, start, _ = taken(estimator, parameters, "share", "share_centre", "start", "examples")
        known = share > 0
        centres = np.array(start, order="C")
        centres[known] = sums[known] / share[known, np.newaxis]
        estimator.cluster_centers_ = centres
        estimator.n_features_in_ = centres.shape[1]
        vars(estimator).pop("labels_", None)  # those of other centres
        # Fitting sets these, too, and predicting and training on need them.
        estimator._counts = (share * scale(parameters, examples)).astype(centres.dtype)
        estimator._n_since_last_reassign = 0
        estimator._n_threads = getattr(estimator, "_n_threads", 1)
        estimator._n_features_out = len(centres)
        if hasattr(estimator, "batch_size"):
            estimator._batch_size = estimator.batch_size

    def seed(self, estimator: Any, *, features: int, classes: int, dtype: DType) -> dict[str, Array]:
        if isinstance(estimator.init, str) or callable(estimator.init):
            raise InvalidInput("k-means needs centres to set out from", hint="give KMeans(init=an array of centres)")
        centres = np.array(estimator.init, dtype)
        return _parameters(centres, np.ones(len(centres)), centres)


def _counts(nearest: Array, centres: Array) -> Array:
    return np.bincount(nearest, minlength=len(centres)).astype(np.float64)


def _parameters(start: Array, counts: Array, sums: Array) -> dict[str, Array]:
    examples = counts.sum()
    n = max(examples, 1)
    return {
        "examples": np.array(examples),
        "share": counts / n,
        "share_centre": (sums / n).astype(start.dtype),
        "start": start,
    }
