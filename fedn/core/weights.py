"""Models and updates as named arrays, and their files.

A file is `.npz` (arrays by name, each as in `numpy.save`), safetensors (arrays by name, and metadata) or text (one
array, as `numpy.savetxt` writes it). Reading a stored `.npz` or safetensors copies nothing: the arrays are read-only
views of the bytes or of the mapped file, which must not change while they are in use. Nothing is ever unpickled.
"""

from __future__ import annotations

import io
import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import BinaryIO, TextIO

import numpy as np

from fedn.core import dtypes, npy, npz, safetensors
from fedn.core.dtypes import Array
from fedn.core.finite import check_finite
from fedn.core.layout import Layout, Weights
from fedn.core.safetensors import Metadata
from fedn.errors import InvalidModel, TooLarge

__all__ = [
    "Format",
    "Layout",
    "Source",
    "Style",
    "Weights",
    "check_finite",
    "format_of",
    "read",
    "style_of",
    "to_bytes",
    "write",
]

Source = Path | bytes | memoryview

TEXT_NAME = "0"
"""Name of the one array of a text file."""
MAX_INFLATED = 16 << 30
"""Bytes that the compressed members of one file may hold by default."""


class Format(str, Enum):
    """How a file holds its arrays."""

    NPZ = "npz"
    TEXT = "text"
    SAFETENSORS = "safetensors"

    @property
    def suffix(self) -> str:
        """What the names of such files end in."""
        return ".txt" if self is Format.TEXT else f".{self.value}"


@dataclass(frozen=True)
class Style:
    """How a file is written: its format, and for safetensors the metadata in it."""

    format: Format = Format.NPZ
    metadata: Metadata = field(default_factory=dict)


def format_of(source: Source) -> Format:
    """Tell the format from the first bytes.

    Raises:
        InvalidModel: it is none of them.
    """
    if isinstance(source, Path):
        with source.open("rb") as file:
            head = file.read(512)
    else:
        head = bytes(source[:512])
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return Format.NPZ
    if safetensors.begins(head):
        return Format.SAFETENSORS
    if head and head.isascii() and b"\0" not in head:
        return Format.TEXT
    raise InvalidModel(
        "neither .npz, safetensors nor numbers as text", hint="save it with numpy.savez, which writes .npz"
    )


def style_of(source: Source) -> Style:
    """The style that a file is written in, for `write` to write another like it; raises as `read` does."""
    form = format_of(source)
    return Style(form, safetensors.parse(_view(source))[1] if form is Format.SAFETENSORS else {})


def read(source: Source, *, limit: int = MAX_INFLATED) -> dict[str, Array]:
    """The arrays of a file in their order, read-only and in native byte order; bfloat16 has `bfloat16.DTYPE`.

    Args:
        source: A file to map, or its bytes.
        limit: Bytes that compressed members may hold together.

    Raises:
        InvalidModel: The file is damaged, holds no array, or one that can't be averaged.
        TooLarge: Its compressed members hold more than `limit`.
    """
    try:
        arrays = _read(source, limit)
        if not arrays:
            raise InvalidModel("the file holds no array")
    except (InvalidModel, TooLarge) as error:
        if isinstance(source, Path):
            raise type(error)(f"{source.name}: {error.message}", hint=error.hint) from None
        raise
    return arrays


def write(weights: Weights, target: Path | BinaryIO, *, format: Format | Style = Format.NPZ) -> None:  # noqa: A002
    """Write a file that `read` and `numpy.load` (or `numpy.loadtxt`) read; the arrays are streamed, not copied.

    Args:
        format: Of the file, or the style of another one.

    Raises:
        InvalidModel: An array can't be averaged, or the format can't hold them.
    """
    if isinstance(target, Path):
        with target.open("wb") as file:
            return write(weights, file, format=format)
    style = format if isinstance(format, Style) else Style(format)
    if style.format is Format.TEXT:
        return _write_text(weights, target)
    safe = style.format is Format.SAFETENSORS
    for chunk in safetensors.chunks(weights, style.metadata) if safe else npz.chunks(_members(weights)):
        target.write(chunk)
    return None


def to_bytes(weights: Weights) -> bytes:
    """The `.npz` file of `weights` as bytes; raises as `write` does."""
    return b"".join(npz.chunks(_members(weights)))


def _view(source: Source) -> memoryview:
    if not isinstance(source, Path):
        return memoryview(source).cast("B")
    with source.open("rb") as file:
        # Unmapped when the last array that looks into it is collected.
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _read(source: Source, limit: int) -> dict[str, Array]:
    match format_of(source):
        case Format.TEXT:
            return {TEXT_NAME: _read_text(source)}
        case Format.SAFETENSORS:
            return safetensors.parse(_view(source))[0]
        case _:
            return dict(_read_npz(_view(source), limit))


def _read_npz(data: memoryview, limit: int) -> Iterator[tuple[str, Array]]:
    for member, content in npz.members(data, limit=limit):
        name = member.removesuffix(".npy")
        if name == member:
            raise InvalidModel(f"member {member!r} is no array")
        with npy.naming(name):
            array = npy.parse(content)
        yield name, array


def _members(weights: Weights) -> Iterator[tuple[str, list[npz.Buffer]]]:
    for name, array in weights.items():
        with npy.naming(name):
            pieces = npy.pieces(array)
        yield f"{name}.npy", pieces


def _read_text(source: Source) -> Array:
    try:
        with source.open(encoding="ascii") if isinstance(source, Path) else _text(source) as lines:
            if not any(line.partition("#")[0].strip() for line in lines):
                raise InvalidModel("the text holds no numbers")
            lines.seek(0)
            array: Array = np.loadtxt(lines)
    except ValueError as error:
        raise InvalidModel(f"the text isn't numbers in rows of one length: {error}") from None
    array.flags.writeable = False
    return array


def _text(source: bytes | memoryview) -> TextIO:
    return io.TextIOWrapper(io.BytesIO(source), encoding="ascii")


def _write_text(weights: Weights, target: BinaryIO) -> None:
    if len(weights) != 1:
        raise InvalidModel(f"a text file holds one array, and there are {len(weights)}", hint="write it as .npz")
    name, array = next(iter(weights.items()))
    with npy.naming(name):
        dtypes.checked(array.dtype)
    if array.ndim > 2 or not array.size:
        raise InvalidModel(f"a text file holds an array of one or two dimensions, not of shape {array.shape}")
    np.savetxt(target, np.atleast_1d(dtypes.floats(array)))
