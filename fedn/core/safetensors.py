"""The safetensors format: a JSON header and the raw data of all arrays, to be mapped; read strictly.

    length of the header (8 bytes, little-endian) | header | data
    header    {"__metadata__": {key: text, …}, name: {"dtype": "F32", "shape": […], "data_offsets": [begin, end]}, …}

Arrays lie end to end in C order and little-endian byte order, and together they are the whole of the data. The metadata
is for whoever writes and reads the file; some programs insist on what they wrote there.

Format: https://github.com/huggingface/safetensors, section "Format".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from fedn.core import bfloat16, npy
from fedn.core.dtypes import Array, DType, checked, refusal
from fedn.core.layout import Weights
from fedn.core.npz import Buffer
from fedn.errors import InvalidModel

Metadata = Mapping[str, str]

LONGEST_HEADER = 1 << 24
"""Bytes of a header, enough for some 100,000 arrays; parsed it takes many times as much memory."""

_METADATA = "__metadata__"
_LENGTH = 8
_CODES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BOOL": "?"} | {
    f"{letter}{8 * size}": f"<{letter.lower()}{size}" for letter in "IU" for size in (8, 4, 2, 1)
}
_TYPES: dict[str, DType] = {**{code: np.dtype(name) for code, name in _CODES.items()}, "BF16": bfloat16.DTYPE}
_NAMES = {dtype.newbyteorder("="): code for code, dtype in _TYPES.items()}


def begins(head: bytes) -> bool:
    """Whether the first bytes of a file are those of this format: a length below 4 GiB, and a JSON object."""
    return head[4 : _LENGTH + 1] == b"\0\0\0\0{"


def parse(data: memoryview) -> tuple[dict[str, Array], dict[str, str]]:
    """The arrays, read-only and in the order of the header, and the metadata of a file. Native data is viewed.

    Raises:
        InvalidModel: The file is damaged, or holds what can't be averaged.
    """
    header, content = _parts(data)
    metadata = header.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise InvalidModel("the file's metadata isn't text by name")
    spans, arrays = [], {}
    for name, entry in header.items():
        with npy.naming(name):
            dtype, shape, begin, end = _entry(entry)
            if end > len(content):
                raise InvalidModel("ends behind the end of the file")
            arrays[name] = npy.view(content[begin:end], dtype, shape)
        spans.append((begin, end))
    position = 0
    for begin, end in sorted(spans):
        if begin != position:
            raise InvalidModel("the file is damaged: its arrays overlap, or leave bytes between them")
        position = end
    if position != len(content):
        raise InvalidModel(f"the file has {len(content) - position} bytes behind its arrays")
    return arrays, metadata


def chunks(weights: Weights, metadata: Metadata) -> Iterator[Buffer]:
    """The bytes of a file, piece by piece; each array is a view where it is contiguous.

    The header keeps the order of the arrays. Their data is sorted by the size of a number, so that each is aligned.

    Raises:
        InvalidModel: An array can't be averaged, or has a name that the format keeps for itself.
    """
    entries = {name: _entry_of(name, array) for name, array in weights.items()}
    position = 0
    by_size = sorted(weights.items(), key=lambda item: -item[1].itemsize)
    for name, array in by_size:
        entries[name]["data_offsets"] = [position, position + array.nbytes]
        position += array.nbytes
    head = {_METADATA: dict(metadata)} if metadata else {}
    text = json.dumps({**head, **entries}, separators=(",", ":"), ensure_ascii=False).encode()
    if len(text) > LONGEST_HEADER:
        raise InvalidModel(f"the names and metadata take {len(text)} bytes, over the limit", hint="write it as .npz")
    text += b" " * (-len(text) % 8)
    yield len(text).to_bytes(_LENGTH, "little") + text
    for _, array in by_size:
        yield from npy.data(array)


def _parts(data: memoryview) -> tuple[dict[str, Any], memoryview]:
    """The header, whose keys are UTF-8 and there once, and the data."""
    length = int.from_bytes(data[:_LENGTH], "little")
    if length > LONGEST_HEADER:
        raise InvalidModel(f"the file has a header of {length} bytes, over the limit of {LONGEST_HEADER}")
    content = data[_LENGTH + length :]
    if len(data) < _LENGTH + length:
        raise InvalidModel("the file is cut short within its header")
    try:
        header = json.loads(str(data[_LENGTH : _LENGTH + length], "utf-8"), object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise InvalidModel(f"the file has a header that doesn't parse: {error}") from None
    if not isinstance(header, dict):
        raise InvalidModel("the file has a header that is no JSON object")
    return header, content


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name twice")
    for name, value in pairs:
        f"{name}{value if isinstance(value, str) else ''}".encode()  # half a surrogate pair is no text
    return result


def _entry(entry: Any) -> tuple[DType, tuple[int, ...], int, int]:
    """Type, shape, begin and end of an array."""
    match entry:
        case {"dtype": str(code), "shape": [*shape], "data_offsets": [begin, end], **rest} if not rest:
            if any(type(n) is not int or n < 0 for n in (*shape, begin, end)) or begin > end:
                raise InvalidModel(f"has a shape or place that is none: {shape}, {begin} to {end}")
            if code not in _TYPES:
                raise refusal(code)
            return _TYPES[code], tuple(shape), begin, end
    raise InvalidModel("has an entry in the header that is none")


def _entry_of(name: str, array: Array) -> dict[str, Any]:
    with npy.naming(name):
        if name == _METADATA:
            raise InvalidModel("has a name that safetensors keeps for itself", hint="write it as .npz")
        return {"dtype": _NAMES[checked(array.dtype)], "shape": array.shape}
