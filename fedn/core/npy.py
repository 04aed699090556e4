"""The `.npy` format of one array: header and raw data, without copying and without pickle.

Format: NEP 1, versions 1.0, 2.0 and 3.0.
"""

from __future__ import annotations

import ast
import math
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any

import numpy as np

from fedn.core import bfloat16
from fedn.core.dtypes import Array, DType, checked, is_bfloat16, name_of, refusal
from fedn.core.npz import ALIGNMENT, Buffer
from fedn.errors import InvalidModel

__all__ = ["Array", "data", "naming", "parse", "pieces", "view"]

_MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 10_000  # numpy's own limit: beyond it evaluating a literal isn't safe
# No more than a letter and a size, or a unit of time: there are strings on which numpy's parser ends the process.
_SIMPLE_TYPE = re.compile(r"[<>|=](?:[biufcOSUV][0-9]{0,4}|[mM]8(?:\[[a-zA-Z]{1,2}\])?)")


def parse(content: memoryview) -> Array:
    """The array in `content`: a read-only view of it, or a copy in native byte order where it has the other one.

    Raises:
        InvalidModel: `content` is no array, not of exactly the size it claims, or of a type that can't be averaged.
    """
    if content[:6] != _MAGIC or len(content) < 12:
        raise InvalidModel("is not in the .npy format")
    length, start = struct.unpack_from("<H", content, 8)[0], 10
    if content[6] > 1:
        length, start = struct.unpack_from("<L", content, 8)[0], 12
    if content[6] > 3 or length > _LONGEST_HEADER:
        raise InvalidModel("has a header of an unknown version or length")
    start += length
    dtype, shape, fortran = _read_header(bytes(content[start - length : start]))
    return view(content[start:], dtype, shape, fortran=fortran)


def view(data: memoryview, dtype: DType, shape: tuple[int, ...], *, fortran: bool = False) -> Array:
    """Raw data as an array, as `parse` returns it; raises InvalidModel where it is none of this type and shape."""
    count = math.prod(shape)
    if len(data) != count * dtype.itemsize:
        needed = count * dtype.itemsize
        raise InvalidModel(f"has {len(data)} bytes of data where {name_of(dtype)} {shape} needs {needed}")
    flat = np.frombuffer(data, dtype, count) if count else np.zeros(0, dtype)
    if dtype.kind == "b" and (flat.view(np.uint8) > 1).any():
        raise InvalidModel("has truth values that are neither 0 nor 1")
    try:
        array = flat.reshape(shape, order="F" if fortran else "C")
    except (ValueError, OverflowError) as error:
        raise InvalidModel(f"has an impossible shape {shape}: {error}") from None
    if not dtype.isnative:
        array = array.astype(dtype.newbyteorder("="))
    array.flags.writeable = False
    return array


def pieces(array: Array) -> list[Buffer]:
    """`array` as a `.npy` file in little-endian order: a header that ends at a multiple of 64 bytes, then its data.

    The data is a view where `array` is contiguous in either order.
    """
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    flat = _flat(array.T if fortran else array)
    header = _write_header(flat.dtype, array.shape, fortran)
    return [header, *_bytes(flat)]


def data(array: Array) -> list[Buffer]:
    """The values of `array` in C order and little-endian byte order: one piece, a view where they lie so; or none."""
    return _bytes(_flat(array))


def _flat(array: Array) -> Array:
    dtype = checked(array.dtype).newbyteorder("<")
    plain = array.view(bfloat16.DTYPE) if is_bfloat16(array.dtype) else array
    return np.ascontiguousarray(plain, dtype).reshape(-1)


def _bytes(flat: Array) -> list[Buffer]:
    return [flat.view(np.uint8).data] if flat.size else []


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Say of which array an error inside speaks."""
    try:
        yield
    except InvalidModel as error:
        raise InvalidModel(f"array {name!r} {error.message}", hint=error.hint) from None


@lru_cache(maxsize=4096)
def _read_header(raw: bytes) -> tuple[DType, tuple[int, ...], bool]:
    # Clients send the same few headers all the time, and evaluating one costs more than all the rest of reading it.
    try:
        header = ast.literal_eval(raw.decode())
        descr, fortran, shape = header["descr"], header["fortran_order"], header["shape"]
    except (ValueError, SyntaxError, TypeError, LookupError, RecursionError, MemoryError) as error:
        raise InvalidModel(f"has a header that doesn't parse: {error}") from None
    dtype = _read_type(descr)
    if not isinstance(shape, tuple) or any(type(n) is not int or n < 0 for n in shape) or not isinstance(fortran, bool):
        raise InvalidModel(f"has a shape that is none: {shape!r}")
    return dtype, shape, fortran


def _read_type(descr: Any) -> DType:
    if isinstance(descr, str) and _SIMPLE_TYPE.fullmatch(descr):
        with suppress(TypeError):  # a type of a library that numpy doesn't know, such as floats of 8 bits
            dtype = np.dtype(descr)
            checked(dtype)
            return dtype
    raise refusal(descr)


@lru_cache(maxsize=4096)
def _write_header(dtype: DType, shape: tuple[int, ...], fortran: bool) -> bytes:
    text = repr({"descr": dtype.str, "fortran_order": fortran, "shape": shape})
    padding = -(len(_MAGIC) + 4 + len(text) + 1) % ALIGNMENT
    header = f"{text}{' ' * padding}\n".encode()
    return _MAGIC + b"\x01\x00" + struct.pack("<H", len(header)) + header
