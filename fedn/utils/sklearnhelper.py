"""Estimators of scikit-learn, by parameters whose mean over the clients makes sense. scikit-learn is not imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from fedn.core.dtypes import Array
from fedn.errors import InvalidInput
from fedn.utils.arrays import mapping
from fedn.utils.base import ArraysHelper
from fedn.utils.estimators import bayes, kmeans, linear
from fedn.utils.estimators.family import Family, Parameters, names_of

Estimator = TypeVar("Estimator")

_KMEANS = kmeans.KMeans()
_FAMILIES: tuple[Family, ...] = (
    linear.LinearClassifiers(),
    linear.LinearRegressors(),
    bayes.GaussianNaiveBayes(),
    bayes.CountingNaiveBayes(),
    bayes.CategoricalNaiveBayes(),
    _KMEANS,
)


class SklearnHelper(ArraysHelper[Mapping[str, Array]]):
    """A dict of parameters by name. `parameters` takes them from an estimator, `restore` puts them into one.

    An update is to be weighed by the examples that the estimator was fitted on: report their number as `num_examples`.
    """

    def to_arrays(self, model: Mapping[str, Array]) -> Mapping[str, Any]:
        return mapping(model, hint="such as helper.parameters(estimator)")

    def from_arrays(self, arrays: dict[str, Array]) -> dict[str, Array]:
        return arrays

    def parameters(self, estimator: Any) -> dict[str, Array]:
        """What is to be averaged of a fitted estimator; its module in `fedn.utils.estimators` says what that is.

        With `classes_`, where these are numbers.

        Raises:
            InvalidInput: It is not fitted, or of a kind that has no such parameters.
        """
        family = family_of(estimator)
        parameters = family.parameters(estimator)
        return {**parameters, **_classes(estimator.classes_)} if family.CLASSIFIES else parameters

    def restore(
        self,
        estimator: Estimator,
        parameters: Parameters,
        *,
        classes: Sequence[Any] | None = None,
        examples: float | None = None,
    ) -> Estimator:
        """Set what fitting would have set, so that the estimator predicts, and trains on from there; returns it.

        Args:
            classes: All that any client has; needed where they are no numbers and the estimator has none yet.
            examples: How many all clients have together, where it is known. Naive Bayes that adds to its counts is then
                exactly that of all data.

        Raises:
            InvalidModel: They are of another kind of estimator, or other classes.
            InvalidInput: The classes are not known, or the estimator is of a kind that has no such parameters.
        """
        family = family_of(estimator)
        if family.CLASSIFIES:
            found = parameters.get("classes_", getattr(estimator, "classes_", None)) if classes is None else classes
            if found is None:
                raise InvalidInput("the model doesn't say its classes", hint="give restore(…, classes=[…])")
            target: Any = estimator
            target.classes_ = np.unique(found)
        family.restore(estimator, parameters, examples)
        return estimator

    def seed(
        self, estimator: Any, *, features: int, classes: Sequence[Any] = (), dtype: type[np.floating[Any]] = np.float64
    ) -> dict[str, Array]:
        """The parameters of a model that knows nothing, for a federation to start with.

        Args:
            estimator: Fitted or not, only its kind and settings count. k-means has to have `init`, an array of centres.
            features: Columns of X.
            classes: All that any client has; for classifiers.
            dtype: That of X: linear models and k-means are trained on with examples of their own type only.

        Raises:
            InvalidInput: Classes are missing, or the estimator is of a kind that has no such parameters.
        """
        family = family_of(estimator)
        known = np.unique(classes)
        if family.CLASSIFIES and len(known) < 2:
            raise InvalidInput("a classifier needs two classes or more", hint="give seed(…, classes=[…])")
        parameters = family.seed(estimator, features=features, classes=len(known), dtype=np.dtype(dtype))
        return {**parameters, **_classes(known)} if family.CLASSIFIES else parameters

    def lloyd_step(self, estimator: Any, examples: Any) -> dict[str, Array]:
        """The parameters of a k-means after one step from the centres it was restored with, on a client's examples.

        If all clients do this once a round, a round is exactly a step on the data of all.

        Args:
            examples: Array of shape (examples, features).
        """
        if family_of(estimator) is not _KMEANS:
            raise InvalidInput(f"{type(estimator).__name__} is no k-means")
        return _KMEANS.step(estimator, examples)


def family_of(estimator: Any) -> Family:
    """The family of an estimator; raises InvalidInput where it has none."""
    for family in _FAMILIES:
        if names_of(estimator) & family.NAMES:
            return family
    known = sorted(name for family in _FAMILIES for name in family.NAMES)
    raise InvalidInput(
        f"{type(estimator).__name__} has no parameters whose mean would make sense",
        hint=f"these have: {', '.join(known)}; of a pipeline, hand over its last step",
    )


def _classes(classes: Array) -> dict[str, Array]:
    return {"classes_": np.array(classes)} if classes.dtype.kind in "biuf" else {}
