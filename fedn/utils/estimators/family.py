"""What families of estimators have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from fedn.core.dtypes import Array, DType
from fedn.errors import InvalidInput, InvalidModel
from fedn.utils.arrays import as_array

Parameters = Mapping[str, Array]


class Family(ABC):
    """Estimators whose parameters are taken out and put back in the same way.

    The mean of the clients' parameters, weighted by their examples, has to be what is wanted of all data together: of
    that which is no mean in itself, such as a variance, a family hands out what is one.
    """

    NAMES: ClassVar[frozenset[str]]
    """Names of the classes of scikit-learn."""
    CLASSIFIES: ClassVar[bool] = True

    @abstractmethod
    def parameters(self, estimator: Any) -> dict[str, Array]:
        """The parameters of a fitted estimator, without its classes."""

    @abstractmethod
    def restore(self, estimator: Any, parameters: Parameters, examples: float | None) -> None:
        """Set the fitted attributes; those of classifiers have their `classes_` already."""

    @abstractmethod
    def seed(self, estimator: Any, *, features: int, classes: int, dtype: DType) -> dict[str, Array]:
        """The parameters of a model that knows nothing; `dtype` is that of X, where it matters."""


def fitted(estimator: Any, attribute: str) -> Any:
    """What fitting sets; raises InvalidInput where it wasn't."""
    try:
        return getattr(estimator, attribute)
    except AttributeError:
        raise InvalidInput(
            f"this {type(estimator).__name__} has no {attribute}", hint="fit it, or restore it from a model"
        ) from None


def names_of(estimator: Any) -> set[str]:
    """The names of its class and of those that it is derived from."""
    return {kind.__name__ for kind in type(estimator).__mro__}


def floats(value: Any, name: str) -> Array:
    """Numbers as float64, copied."""
    return as_array(value, name).astype(np.float64)


def taken(estimator: Any, parameters: Parameters, *names: str) -> list[Array]:
    """Some of the parameters; raises InvalidModel where one is missing."""
    if missing := [name for name in names if name not in parameters]:
        raise InvalidModel(
            f"a model of a {type(estimator).__name__} has {missing[0]!r}, this one has: {', '.join(parameters)}",
            hint="make the seed with the same kind of estimator",
        )
    return [parameters[name] for name in names]


def check_classes(estimator: Any, count: int) -> None:
    """Make sure that a model is one of so many classes as the estimator has."""
    if len(estimator.classes_) != count:
        raise InvalidModel(f"a model of {count} classes doesn't fit the {len(estimator.classes_)} that are named")


def scale(parameters: Parameters, examples: float | None) -> float:
    """How many examples the shares stand for."""
    return float(parameters["examples"]) if examples is None else examples
