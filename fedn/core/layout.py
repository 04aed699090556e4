"""The shape of a model: what every update of its round has to look like."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fedn.core import npy
from fedn.core.npy import Array
from fedn.errors import InvalidUpdate

Weights = Mapping[str, Array]
Shape = tuple[int, ...]

LARGEST = 2.0**900
"""Bound of the magnitude of float64 values: weighted and summed up they stay finite."""

_STRETCH = 1 << 17  # values looked at in one go: few enough to stay in a processor's cache


@dataclass(frozen=True)
class Layout:
    """Names in order, shapes and dtypes of a model's arrays."""

    names: tuple[str, ...]
    shapes: tuple[Shape, ...]
    dtypes: tuple[np.dtype[Any], ...]

    @classmethod
    def of(cls, weights: Weights) -> Layout:
        """The layout of `weights`.

        Raises:
            InvalidModel: an array holds what can't be averaged.
        """
        for name, array in weights.items():
            with npy.naming(name):
                npy.check_dtype(array.dtype)
        arrays = weights.values()
        return cls(tuple(weights), tuple(a.shape for a in arrays), tuple(a.dtype.newbyteorder("=") for a in arrays))

    @classmethod
    def from_json(cls, arrays: Sequence[Any]) -> Layout:
        """Rebuild what `to_json` returned; raises a built-in error or InvalidModel where it is damaged."""
        # A broadcast scalar has a shape and a dtype without having the memory of an array.
        return cls.of({name: np.broadcast_to(np.zeros((), dtype), shape) for name, shape, dtype in arrays})

    def to_json(self) -> list[tuple[str, Shape, str]]:
        """This layout as JSON-compatible lists: name, shape and dtype of each array."""
        return [
            (name, shape, dtype.name) for name, shape, dtype in zip(self.names, self.shapes, self.dtypes, strict=True)
        ]

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Count of numbers in each array."""
        return tuple(math.prod(shape) for shape in self.shapes)

    @cached_property
    def size(self) -> int:
        """Count of numbers in the model."""
        return sum(self.sizes)

    def check(self, weights: Weights) -> None:
        """Make sure that `weights` has this layout; the order of names may differ.

        Raises:
            InvalidUpdate: names the first difference.
        """
        for name, shape, dtype in zip(self.names, self.shapes, self.dtypes, strict=True):
            array = weights.get(name)
            if array is None:
                raise InvalidUpdate(f"array {name!r} is missing")
            if array.shape != shape:
                raise InvalidUpdate(f"array {name!r} has shape {array.shape}, the model's has {shape}")
            if array.dtype != dtype:
                raise InvalidUpdate(f"array {name!r} holds {array.dtype}, the model's holds {dtype}")
        if len(weights) != len(self.names):
            extra = next(name for name in weights if name not in self.names)
            raise InvalidUpdate(f"array {extra!r} is not in the model")


def check_finite(weights: Weights) -> None:
    """Make sure that no value is NaN or infinite, and no float64 value as large as `LARGEST`.

    Raises:
        InvalidUpdate: names the first array that has one.
    """
    for name, array in weights.items():
        if array.dtype.kind == "f" and not _finite(np.ravel(array, order="K")):
            raise InvalidUpdate(f"array {name!r} has values that are not finite")


def _finite(values: Array) -> bool:
    stretches = (values[start : start + _STRETCH] for start in range(0, values.size, _STRETCH))
    if values.itemsize < 8:
        return all(np.isfinite(stretch).all() for stretch in stretches)
    return all((np.abs(stretch) < LARGEST).all() for stretch in stretches)
