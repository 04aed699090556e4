"""Whether the values of a model or an update can be averaged: finite, and not too large for their sums."""

from __future__ import annotations

import math

import numpy as np

from fedn.core import dtypes
from fedn.core.dtypes import Array, DType
from fedn.core.layout import Weights
from fedn.errors import InvalidUpdate

_STRETCH = 1 << 17  # values looked at in one go: few enough to stay in a processor's cache


def check_finite(weights: Weights) -> None:
    """Make sure that no value is NaN or infinite, and no float64 value as large as `dtypes.BOUND`.

    Raises:
        InvalidUpdate: names the first array that has one.
    """
    for name, array in weights.items():
        check_values(name, np.ravel(array, order="K"), array.dtype)


def check_values(name: str, values: Array, dtype: DType) -> None:
    """Make sure that flat values can go into a mean of type `dtype`, whose bound they have to keep if they are floats.

    Raises:
        InvalidUpdate: names the array and what is wrong with it.
    """
    if not dtypes.is_float(values.dtype):
        return
    limit = dtypes.bound(dtype)
    always_within = dtypes.largest(values.dtype) <= limit
    for start in range(0, values.size, _STRETCH):
        stretch = dtypes.floats(values[start : start + _STRETCH])
        within = np.isfinite(stretch) if always_within else np.abs(stretch) <= limit
        if not within.all():
            raise not_within(name, float(np.abs(stretch).max()), dtype)


def not_within(name: str, worst: float, dtype: DType) -> InvalidUpdate:
    """The error that an array can't go into a mean of type `dtype`.

    Args:
        worst: Its largest magnitude, NaN where there is one.
    """
    if math.isfinite(worst):
        return InvalidUpdate(
            f"array {name!r} has values up to {worst:.6g}, the model's {dtypes.name_of(dtype)} takes "
            f"{dtypes.bound(dtype):.6g} at most"
        )
    return InvalidUpdate(f"array {name!r} has values that are not finite")
