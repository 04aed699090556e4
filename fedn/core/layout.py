"""The shape of a model: what every update of its round has to look like."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fedn.core import npy
from fedn.core.dtypes import Array, DType, checked, is_float, name_of, named
from fedn.errors import InvalidUpdate

Weights = Mapping[str, Array]
Shape = tuple[int, ...]

_WIDEST = 8
"""Bytes of a number of the widest float."""
_HEADER = 1 << 12
"""Bytes that what stands before an array's numbers has, and far less as a rule."""


@dataclass(frozen=True)
class Layout:
    """Names in order, shapes and dtypes of a model's arrays; `bfloat16.DTYPE` stands for bfloat16."""

    names: tuple[str, ...]
    shapes: tuple[Shape, ...]
    dtypes: tuple[DType, ...]

    @classmethod
    def of(cls, weights: Weights) -> Layout:
        """The layout of `weights`.

        Raises:
            InvalidModel: an array holds what can't be averaged.
        """
        types = []
        for name, array in weights.items():
            with npy.naming(name):
                types.append(checked(array.dtype))
        return cls(tuple(weights), tuple(array.shape for array in weights.values()), tuple(types))

    @classmethod
    def from_json(cls, arrays: Sequence[Any]) -> Layout:
        """Rebuild what `to_json` returned; raises a built-in error or InvalidModel where it is damaged."""
        # A broadcast scalar has a shape and a dtype without having the memory of an array.
        return cls.of({name: np.broadcast_to(np.zeros((), named(dtype)), shape) for name, shape, dtype in arrays})

    def to_json(self) -> list[tuple[str, Shape, str]]:
        """This layout as JSON-compatible lists: name, shape and dtype of each array."""
        return list(zip(self.names, self.shapes, map(name_of, self.dtypes), strict=True))

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Count of numbers in each array."""
        return tuple(math.prod(shape) for shape in self.shapes)

    @cached_property
    def size(self) -> int:
        """Count of numbers in the model."""
        return sum(self.sizes)

    @property
    def largest(self) -> int:
        """Bytes that arrays of this layout have in a file at most: floats of any precision, and their headers."""
        return _WIDEST * self.size + _HEADER * len(self.names)

    def check(self, weights: Weights) -> None:
        """Make sure that `weights` has this layout; the order of names and the precision of floats may differ.

        Raises:
            InvalidUpdate: names the first difference.
        """
        for name, shape, dtype in zip(self.names, self.shapes, self.dtypes, strict=True):
            array = weights.get(name)
            if array is None:
                raise InvalidUpdate(f"array {name!r} is missing")
            if array.shape != shape:
                raise InvalidUpdate(f"array {name!r} has shape {array.shape}, the model's has {shape}")
            if array.dtype != dtype and not (is_float(array.dtype) and is_float(dtype)):
                found, expected = name_of(array.dtype), name_of(dtype)
                raise InvalidUpdate(f"array {name!r} holds {found}, the model's holds {expected}")
        if len(weights) != len(self.names):
            extra = next(name for name in weights if name not in self.names)
            raise InvalidUpdate(f"array {extra!r} is not in the model")
