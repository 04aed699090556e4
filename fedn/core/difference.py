"""How far two models lie apart: Euclidean norms, array by array and of the whole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fedn.core import dtypes
from fedn.core.blocks import Floats
from fedn.core.dtypes import Array
from fedn.core.layout import Layout, Weights
from fedn.errors import Conflict

_STRETCH = 1 << 16  # numbers looked at in one go: few enough to stay in a processor's cache
_SAFE = 1e-140, 1e140  # norms whose square neither loses digits to the smallest float64 nor leaves the largest
_NAMED = 5  # arrays that a message names at most


@dataclass(frozen=True)
class Distance:
    """Norms of two arrays, or of all those of two models, and of what lies between them."""

    norm_a: float
    norm_b: float
    difference: float

    @property
    def relative(self) -> float | None:
        """The difference by the norm of the first; None where that is 0 and the other's isn't."""
        if self.norm_a:
            return self.difference / self.norm_a
        return None if self.difference else 0.0


@dataclass(frozen=True)
class ArrayDistance:
    """The distance between two arrays of one name; `dtype` is that of the first."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    distance: Distance


@dataclass(frozen=True)
class Difference:
    """The distance between two models, and that between their arrays in the order of the first."""

    arrays: tuple[ArrayDistance, ...]
    total: Distance


def difference(a: Weights, b: Weights) -> Difference:
    """Compare two models of the same arrays, in whatever order and precision they have them.

    All is computed in float64, where whole numbers beyond 2**53 are rounded. Memory doesn't grow with the models. The
    values are finite, and those of float64 below `dtypes.BOUND`, as in every model: then so are the norms.

    Raises:
        Conflict: Their arrays are not the same ones; names those that differ.
        InvalidModel: An array holds what can't be averaged.
    """
    if faults := list(_faults(Layout.of(a), Layout.of(b))):
        told = "; ".join(faults[:_NAMED]) + ("; …" if faults[_NAMED:] else "")
        raise Conflict(f"the models differ in their arrays: {told}", hint="compare models of one architecture")
    arrays = tuple(
        ArrayDistance(name, array.shape, dtypes.name_of(array.dtype), _distance(array, b[name]))
        for name, array in a.items()
    )
    return Difference(arrays, _together([array.distance for array in arrays]))


def _faults(a: Layout, b: Layout) -> Iterator[str]:
    first, second = ({name: (shape, dtype) for name, shape, dtype in one.to_json()} for one in (a, b))
    for name, (shape, dtype) in first.items():
        if name not in second:
            yield f"{name!r} is in the first only"
            continue
        other_shape, other_dtype = second[name]
        if shape != other_shape:
            yield f"{name!r} has the shapes {shape} and {other_shape}"
        elif dtype != other_dtype and not all(dtypes.is_float(dtypes.named(each)) for each in (dtype, other_dtype)):
            yield f"{name!r} holds {dtype} and {other_dtype}"
    yield from (f"{name!r} is in the second only" for name in second if name not in first)


def _distance(a: Array, b: Array) -> Distance:
    # Pairs of stretches, whatever the order in which either lies in memory.
    pairs = np.nditer([a, b], flags=["external_loop", "buffered", "zerosize_ok"], buffersize=_STRETCH)
    return _together([_stretch(_wide(one), _wide(other)) for one, other in pairs])


def _stretch(a: Floats, b: Floats) -> Distance:
    return Distance(_norm(a), _norm(b), _norm(a - b))


def _wide(values: Array) -> Floats:
    return dtypes.floats(values).astype(np.float64, copy=False)


def _norm(values: Floats) -> float:
    with np.errstate(over="ignore", under="ignore"):
        norm = math.sqrt(float(np.dot(values, values)))
        if _SAFE[0] < norm < _SAFE[1]:
            return norm
        largest = float(np.abs(values).max())
        if not largest:
            return 0.0
        scaled = values / largest
        return largest * math.sqrt(float(np.dot(scaled, scaled)))


def _together(parts: list[Distance]) -> Distance:
    """The distance of what consists of these parts; `hypot` keeps clear of squares that are too large or too small."""
    return Distance(
        math.hypot(*(part.norm_a for part in parts)),
        math.hypot(*(part.norm_b for part in parts)),
        math.hypot(*(part.difference for part in parts)),
    )
