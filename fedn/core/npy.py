"""The `.npy` format of one array: header and raw data, without copying and without pickle.

Format: NEP 1, versions 1.0, 2.0 and 3.0.
"""

from __future__ import annotations

import ast
import math
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np

from fedn.core.npz import ALIGNMENT, Buffer
from fedn.errors import InvalidModel

Array = np.ndarray[Any, np.dtype[Any]]

_MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 10_000  # numpy's own limit: beyond it evaluating a literal isn't safe
_SIMPLE_TYPE = re.compile(r"[<>|=][biufcmMOSUV]\S*")
_HINT = "save real numbers of up to 64 bits"


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
    count = math.prod(shape)
    if len(content) - start != count * dtype.itemsize:
        raise InvalidModel(
            f"has {len(content) - start} bytes of data where {dtype} {shape} needs {count * dtype.itemsize}"
        )
    flat = np.frombuffer(content, dtype, count, start) if count else np.zeros(0, dtype)
    if dtype.kind == "b" and flat.view(np.uint8).max(initial=0) > 1:
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
    check_dtype(array.dtype)
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    ordered = array.T if fortran else array
    flat = np.ascontiguousarray(ordered, array.dtype.newbyteorder("<")).reshape(-1)
    header = _write_header(flat.dtype, array.shape, fortran)
    return [header, flat.view(np.uint8).data] if flat.size else [header]


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Say of which array an error inside speaks."""
    try:
        yield
    except InvalidModel as error:
        raise InvalidModel(f"array {name!r} {error.message}", hint=error.hint) from None


def check_dtype(dtype: np.dtype[Any]) -> None:
    """Make sure that values are real numbers of at most 64 bits.

    Raises:
        InvalidModel: says what they are; as all errors here it leaves the array to `naming`.
    """
    if dtype.kind == "V" and dtype.itemsize == 2:
        raise InvalidModel("holds raw 2-byte values, as bfloat16 is saved", hint="save it as float32")
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise InvalidModel(f"holds values of type {dtype}, which can't be averaged", hint=_HINT)


@lru_cache(maxsize=4096)
def _read_header(raw: bytes) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    # Clients send the same few headers all the time, and evaluating one costs more than all the rest of reading it.
    try:
        header = ast.literal_eval(raw.decode())
        descr, fortran, shape = header["descr"], header["fortran_order"], header["shape"]
        if not isinstance(descr, str) or not _SIMPLE_TYPE.fullmatch(descr):
            raise InvalidModel(f"holds values of type {descr}, which can't be averaged", hint=_HINT)
        dtype = np.dtype(descr)
    except (ValueError, SyntaxError, TypeError, LookupError, RecursionError, MemoryError) as error:
        raise InvalidModel(f"has a header that doesn't parse: {error}") from None
    check_dtype(dtype)
    if not isinstance(shape, tuple) or any(type(n) is not int or n < 0 for n in shape) or not isinstance(fortran, bool):
        raise InvalidModel(f"has a shape that is none: {shape!r}")
    return dtype, shape, fortran


@lru_cache(maxsize=4096)
def _write_header(dtype: np.dtype[Any], shape: tuple[int, ...], fortran: bool) -> bytes:
    text = repr({"descr": dtype.str, "fortran_order": fortran, "shape": shape})
    padding = -(len(_MAGIC) + 4 + len(text) + 1) % ALIGNMENT
    header = f"{text}{' ' * padding}\n".encode()
    return _MAGIC + b"\x01\x00" + struct.pack("<H", len(header)) + header
