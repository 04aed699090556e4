"""Naive Bayes, by the sums that it is made of, for one example: their mean over the clients is that of all data.

With n_c examples x of class c among n, a client hands out its `share` n_c/n of each class and, of each feature, the
sums over the class of what the estimator counts, divided by n. Weighted by n and averaged, they are what one estimator
fitted on all data would hand out. `examples` is n, the number to report; averaged, it is that of a typical client.

Means can't tell how many examples there are in all (twice the same clients have the same mean), which those that add
`alpha` to their counts depend on: unless told they take that of a typical client.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from fedn.core.dtypes import Array, DType
from fedn.errors import InvalidInput
from fedn.utils.estimators.family import Family, Parameters, check_classes, fitted, floats, scale, taken


class NaiveBayes(Family):
    """`examples`, the `share` of each class, and what the kind adds; all in float64."""

    def parameters(self, estimator: Any) -> dict[str, Array]:
        counts = floats(fitted(estimator, "class_count_"), "class_count_")
        examples = counts.sum()
        if not examples > 0:
            raise InvalidInput(f"this {type(estimator).__name__} was fitted on no example")
        share = counts / examples
        return {"examples": np.array(examples), "share": share, **self._sums(estimator, share, float(examples))}

    def restore(self, estimator: Any, parameters: Parameters, examples: float | None) -> None:
        share, _ = taken(estimator, parameters, "share", "examples")
        check_classes(estimator, len(share))
        estimator.class_count_ = share * scale(parameters, examples)
        self._restore(estimator, parameters)

    # The types of X and of the model have no part in each other, and sums of squares need the digits.
    def seed(self, estimator: Any, *, features: int, classes: int, dtype: DType) -> dict[str, Array]:
        share = np.full(classes, 1 / classes)
        return {"examples": np.array(1.0), "share": share, **self._seed(estimator, share, features)}

    @abstractmethod
    def _sums(self, estimator: Any, share: Array, examples: float) -> dict[str, Array]:
        """The kind's own sums over each class, divided by the number of all examples."""

    @abstractmethod
    def _restore(self, estimator: Any, parameters: Parameters) -> None:
        """Set all but `classes_` and `class_count_`."""

    @abstractmethod
    def _seed(self, estimator: Any, share: Array, features: int) -> dict[str, Array]:
        """What `_sums` of a model that knows nothing are."""


class GaussianNaiveBayes(NaiveBayes):
    """`share_mean` and `share_square`: sums of x and x² over each class, divided by n.

    Squares lose what differs in the last digits: features whose mean is a million times their spread are better shifted
    beforehand, by the same number everywhere.
    """

    NAMES = frozenset({"GaussianNB"})

    def _sums(self, estimator: Any, share: Array, examples: float) -> dict[str, Array]:
        mean = floats(fitted(estimator, "theta_"), "theta_")
        variance = floats(fitted(estimator, "var_"), "var_") - float(fitted(estimator, "epsilon_"))
        weight = share[:, np.newaxis]
        return {"share_mean": weight * mean, "share_square": weight * (variance + mean**2)}

    def _restore(self, estimator: Any, parameters: Parameters) -> None:
        share, share_mean, share_square = taken(estimator, parameters, "share", "share_mean", "share_square")
        weight = np.where(share > 0, share, 1)[:, np.newaxis]  # a class without examples has sums of 0, and means of 0
        mean = share_mean / weight
        # The estimator adds a part of the largest variance of all data, which the sums over the classes tell, too.
        overall = share_square.sum(axis=0) - share_mean.sum(axis=0) ** 2
        estimator.epsilon_ = estimator.var_smoothing * overall.max()
        estimator.theta_ = mean
        estimator.var_ = np.maximum(share_square / weight - mean**2, 0) + estimator.epsilon_
        estimator.class_prior_ = share / share.sum() if estimator.priors is None else np.asarray(estimator.priors)
        estimator.n_features_in_ = mean.shape[1]

    def _seed(self, estimator: Any, share: Array, features: int) -> dict[str, Array]:
        square = np.repeat(share[:, np.newaxis], features, axis=1)
        return {"share_mean": np.zeros_like(square), "share_square": square}


class CountingNaiveBayes(NaiveBayes):
    """`share_count`: sums of x (of truth values for Bernoulli's kind) over each class, divided by n."""

    NAMES = frozenset({"MultinomialNB", "ComplementNB", "BernoulliNB"})

    def _sums(self, estimator: Any, share: Array, examples: float) -> dict[str, Array]:
        return {"share_count": floats(fitted(estimator, "feature_count_"), "feature_count_") / examples}

    def _restore(self, estimator: Any, parameters: Parameters) -> None:
        share, share_count = taken(estimator, parameters, "share", "share_count")
        estimator.feature_count_ = share_count * (estimator.class_count_.sum() / share.sum())
        estimator.n_features_in_ = share_count.shape[1]
        refresh(estimator)

    def _seed(self, estimator: Any, share: Array, features: int) -> dict[str, Array]:
        return {"share_count": np.zeros((len(share), features))}


class CategoricalNaiveBayes(NaiveBayes):
    """`share_count/0`, …, one for each feature: how many examples of each class are of each category, divided by n.

    The clients have to agree on the numbers of categories: by `min_categories` of the estimator.
    """

    NAMES = frozenset({"CategoricalNB"})

    def _sums(self, estimator: Any, share: Array, examples: float) -> dict[str, Array]:
        counts = fitted(estimator, "category_count_")
        return {name: floats(counts[j], name) / examples for j, name in enumerate(_names(len(counts)))}

    def _restore(self, estimator: Any, parameters: Parameters) -> None:
        features = sum(name.startswith("share_count/") for name in parameters)
        share, *counts = taken(estimator, parameters, "share", *_names(features))
        examples = estimator.class_count_.sum() / share.sum()
        estimator.category_count_ = [count * examples for count in counts]
        estimator.n_features_in_ = features
        refresh(estimator)
        estimator.n_categories_ = np.array([count.shape[1] for count in counts])

    def _seed(self, estimator: Any, share: Array, features: int) -> dict[str, Array]:
        if estimator.min_categories is None:
            raise InvalidInput("the numbers of categories aren't known", hint="give CategoricalNB(min_categories=[…])")
        counts = np.broadcast_to(estimator.min_categories, features)
        return {name: np.zeros((len(share), count)) for name, count in zip(_names(features), counts, strict=True)}


def refresh(estimator: Any) -> None:
    """Have a discrete naive Bayes compute its probabilities from its counts.

    It does so whenever it is trained on. So it gets an example of nothing, with a weight that is lost in rounding.
    """
    frequent = estimator.classes_[[np.argmax(estimator.class_count_)]]
    nothing = np.zeros((1, estimator.n_features_in_), dtype=int)
    estimator.partial_fit(nothing, frequent, sample_weight=np.array([1e-300]))


def _names(features: int) -> list[str]:
    return [f"share_count/{j}" for j in range(features)]
