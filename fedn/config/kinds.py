"""The kinds of value a setting can have, and how each is read from text.

Settings come from YAML, the environment and the command line. All three are taken as text, so that one rule reads them
and a password of `0123` stays what was written. A field's type gives its kind; where the type alone says too little, it
is annotated with one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

T = TypeVar("T")

_TRUTH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_UNITS = {"": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}


@dataclass(frozen=True)
class Kind:
    """What people are told to write, and how its text becomes a value (ValueError or KeyError where it can't)."""

    expected: str
    read: Callable[[str], object]
    choices: tuple[str, ...] = ()
    """All that may be written, where that is little."""


def _whole(low: int, high: float = math.inf) -> Callable[[str], int]:
    def read(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return read


def _or_none(read: Callable[[str], T]) -> Callable[[str], T | None]:
    return lambda text: None if text.strip().lower() == "none" else read(text)


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise ValueError(text)
    return value


def _not_negative(text: str) -> float:
    value = float(text)
    if not 0 <= value < math.inf:
        raise ValueError(text)
    return value


def _size(text: str) -> int:
    found = re.fullmatch(r"(\d+)\s*([a-z]*)", text.strip().lower())
    if not found:
        raise ValueError(text)
    return int(found[1]) * _UNITS[found[2]]


def _matching(pattern: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(text)
        return text

    return read


def one_of(choices: tuple[str, ...]) -> Kind:
    by_lower = {choice.lower(): choice for choice in choices}
    return Kind(f"one of {', '.join(choices)}", lambda text: by_lower[text.lower()], choices)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for part in text.split(",") if (name := part.strip()))


NAMES = Kind("a list of names", _names)
_BY_TYPE: dict[object, Kind] = {
    str: Kind("text", str),
    bool: Kind("true or false", lambda text: _TRUTH[text.strip().lower()], ("true", "false")),
    Path: Kind("a path", lambda text: Path(text).expanduser()),
    tuple[str, ...]: NAMES,
}

Port = Annotated[int, Kind("a port number from 0 to 65535", _whole(0, 65535))]
PortOrNone = Annotated[int | None, Kind("a port number from 0 to 65535, or none", _or_none(_whole(0, 65535)))]
Count = Annotated[int, Kind("a whole number from 1", _whole(1))]
Seconds = Annotated[float, Kind("a number of seconds above 0", _positive)]
Interval = Annotated[float, Kind("a number of seconds, 0 for never", _not_negative)]
Size = Annotated[int, Kind("a number of bytes, such as 1048576 or 1 MiB", _size)]
NetworkId = Annotated[str, Kind("1 to 63 letters, digits, - and _", _matching(r"[A-Za-z0-9_-]{1,63}"))]
"""As narrow as the name of a MongoDB database, because it is one."""
Name = Annotated[
    str,
    Kind("a name of 1 to 100 characters, without / or \\ and not beginning with a dot",
         _matching(r"(?!\.)[^/\\\x00-\x1f]{1,100}")),
]  # fmt: skip
"""A process's name within the network; it also names that process's data folder."""


def kind_of(hint: Any) -> Kind:
    """The kind of a field with the type `hint`."""
    noted = [note for note in getattr(hint, "__metadata__", ()) if isinstance(note, Kind)]
    if noted:
        return noted[0]
    bare = hint.__origin__ if get_origin(hint) is Annotated else hint
    return one_of(get_args(bare)) if get_origin(bare) is Literal else _BY_TYPE[bare]
