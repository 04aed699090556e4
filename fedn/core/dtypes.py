"""The types of numbers that a model may hold: floats, bfloat16 among them, integers of 8 to 64 bits, and truth values.

numpy knows bfloat16 as raw bytes only, so whoever asks what a type is, or computes with values of it, asks here.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from fedn.core import bfloat16
from fedn.errors import InvalidModel

Array = np.ndarray[Any, np.dtype[Any]]
DType = np.dtype[Any]

BOUND = 2.0**900
"""Bound of the magnitude of float64 values: weighted and summed up they stay finite."""

_HINT = "save integers, truth values, or floats of 16, 32 or 64 bits"


def checked(dtype: DType) -> DType:
    """`dtype` in native byte order, and `bfloat16.DTYPE` where it is one.

    Raises:
        InvalidModel: Values of it can't be averaged; of which array, `npy.naming` says.
    """
    if is_bfloat16(dtype):
        return bfloat16.DTYPE
    if dtype.kind not in "biu" and not is_float(dtype):
        raise refusal(str(dtype))
    native: DType = dtype.newbyteorder("=")
    return native


def refusal(what: str) -> InvalidModel:
    """The error that values of type `what` can't be averaged."""
    return InvalidModel(f"holds values of type {what}, which can't be averaged", hint=_HINT)


def is_bfloat16(dtype: DType) -> bool:
    """Whether it is raw values of two bytes, or the type of a library whose values numpy saves so."""
    return dtype.kind == "V" and dtype.itemsize == 2 and dtype.names is None


def is_float(dtype: DType) -> bool:
    """Whether it is a float of 16, 32 or 64 bits."""
    return (dtype.kind == "f" and dtype.itemsize in (2, 4, 8)) or is_bfloat16(dtype)


def name_of(dtype: DType) -> str:
    """What people call it, such as float32."""
    return "bfloat16" if is_bfloat16(dtype) else dtype.name


def named(name: str) -> DType:
    """The type that `name_of` gave this name; raises TypeError where numpy knows none."""
    return bfloat16.DTYPE if name == "bfloat16" else np.dtype(name)


def floats(array: Array) -> Array:
    """`array` itself, or the same values as float32 where it is one of bfloat16."""
    return bfloat16.widen(array) if is_bfloat16(array.dtype) else array


def cast(array: Array, dtype: DType) -> Array:
    """Floats of any precision as those of another, rounded once, to nearest; `array` itself where it has it already.

    What is too large becomes infinite.
    """
    if is_bfloat16(dtype):
        return array if is_bfloat16(array.dtype) else bfloat16.narrow(array)
    with np.errstate(over="ignore"):
        return floats(array).astype(dtype, copy=False)


@lru_cache
def largest(dtype: DType) -> float:
    """The largest finite float of a type."""
    return bfloat16.LARGEST if is_bfloat16(dtype) else float(np.finfo(dtype).max)


@lru_cache
def bound(dtype: DType) -> float:
    """The largest magnitude of a float that a mean of type `dtype` may be made from.

    A mean lies between the smallest and the largest of its values. With this bound it is finite in its type, and so is
    their weighted sum in float64.
    """
    return min(largest(dtype), math.nextafter(BOUND, 0))


@lru_cache
def significant_bits(dtype: DType) -> int:
    """Significant bits that a value of a type may have as float64."""
    if is_bfloat16(dtype):
        return bfloat16.BITS
    return int(np.finfo(dtype).nmant) + 1 if dtype.kind == "f" else min(8 * dtype.itemsize, 53)
