"""bfloat16 without a library: the upper half of a float32, kept as raw 2-byte values.

numpy has no such type. Arrays of the libraries that bring it (JAX's, TensorFlow's) are saved by numpy as raw values of
two bytes, dtype `V2`, and that is how they are held here. No other type of numbers is saved in this way, so every raw
2-byte value is taken for a bfloat16. Its bytes are in little-endian order on every machine, as they are in files.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

DTYPE = np.dtype("V2")
"""Type of an array of bfloat16."""
LARGEST = 255 * 2.0**120
"""The largest finite value."""
BITS = 8
"""Significant bits, the leading one among them."""

_BITS = np.dtype("<u2")
_HALF = 0x7FFF  # just below half of what the lower 16 bits can hold
_QUIET = 0x40  # the bit that a NaN keeps, whatever else of it is cut off


def widen(array: Array) -> npt.NDArray[np.float32]:
    """The values of `array`, of type `DTYPE` and any shape, as float32: exactly, in new memory."""
    wide = np.empty(array.shape, np.float32)
    np.left_shift(array.view(_BITS), 16, out=wide.view(np.uint32), dtype=np.uint32)
    return wide


def narrow(floats: Array) -> Array:
    """`floats` (float16, float32 or float64, any shape) as an array of type `DTYPE`, in new memory.

    Rounded once, to nearest and to even in the middle. What is too large becomes infinite, NaN stays NaN.
    """
    flat = np.ravel(floats)
    with np.errstate(over="ignore", invalid="ignore"):
        single = flat.astype(np.float32)
    bits = single.view(np.uint32)
    if flat.itemsize > single.itemsize:
        # Rounding twice, to 24 bits and then to 8, may go wrong where the first rounding ends in the middle between two
        # bfloat16. So the first one is to odd (Boldo and Melquiond, When double rounding is odd, 2004): cut off, and
        # set the last bit where there was something to cut.
        inexact = single != flat
        np.subtract(bits, np.abs(single) > np.abs(flat), out=bits)
        np.bitwise_or(bits, inexact, out=bits)
    upper = bits >> 16
    rounded = (bits + _HALF + (upper & 1)) >> 16
    return np.where(np.isnan(single), upper | _QUIET, rounded).astype(_BITS).view(DTYPE).reshape(floats.shape)
