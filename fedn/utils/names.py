"""Names for the leaves of a tree: the keys and positions on the way to a leaf, joined by slashes.

    {"layers": [{"weight": a}, {"weight": b}], "scale": (c, d)}
     layers/[0]/weight    layers/[1]/weight    scale/(0)    scale/(1)

A key stands as it is, but for what would make a name mean two things, or none in an archive: `%`, `/` and control
characters, and `[`, `(` or `.` at its beginning, are written as `%2F` is in a web address. The empty key is `%`, and
the name of a tree that is one leaf is `.`. So every tree has its own names, and every name but the ill-formed stands
for one way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fedn.errors import InvalidModel


@dataclass(frozen=True)
class Position:
    """A place in a list or a tuple."""

    kind: type[Any]
    """`list` or `tuple`."""
    index: int


Step = str | Position
"""A key of a dict, or a place."""

_ROOT, _EMPTY = ".", "%"
_SPECIAL = re.compile(r"[%/\x00-\x1f\x7f]|^[.\[(]")
_ESCAPED = re.compile(r"%([0-9A-F]{2})")
_POSITION = re.compile(r"\[(0|[1-9][0-9]*)\]|\((0|[1-9][0-9]*)\)")


def join(path: Iterable[Step]) -> str:
    """The name of a leaf.

    Raises:
        InvalidModel: A key is no string, or one that can't be encoded.
    """
    return "/".join(map(_written, path)) or _ROOT


def split(name: str) -> tuple[Step, ...]:
    """The path that `join` gave this name.

    Raises:
        InvalidModel: It gave it to none.
    """
    if name == _ROOT:
        return ()
    path = tuple(map(_read, name.split("/")))
    if join(path) != name:
        raise InvalidModel(f"the name {name!r} is none of a tree's", hint="get_helper('pytorch') reads any names")
    return path


def _written(step: Step) -> str:
    if isinstance(step, Position):
        return f"[{step.index}]" if step.kind is list else f"({step.index})"
    if not isinstance(step, str):
        raise InvalidModel(f"the key {step!r} is no string", hint="make it one: names are all that a file keeps")
    if not step:
        return _EMPTY
    try:
        step.encode()
    except UnicodeEncodeError:
        raise InvalidModel(f"the key {step!r} has characters that can't be encoded", hint="name it otherwise") from None
    return _SPECIAL.sub(lambda found: f"%{ord(found[0]):02X}", step)


def _read(part: str) -> Step:
    if part == _EMPTY:
        return ""
    if position := _POSITION.fullmatch(part):
        return Position(list, int(position[1])) if position[1] else Position(tuple, int(position[2]))
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), part)
