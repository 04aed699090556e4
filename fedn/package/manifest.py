"""`client/fedn.yaml`: what a compute package can do, and by which commands.

    entry_points:
      train:    {command: python3 train.py}                  # gets IN OUT appended
      validate: {command: python3 tasks.py, warm: true}      # stays up; see `warm`
      predict:  {command: python3 predict.py, seconds: 60}   # gets IN OUT appended; a time limit of its own
      startup:  {command: sh -c './prepare > log'}           # run once, before anything else
      seed:     {command: python3 seed.py}                   # gets OUT appended: writes a seed model
      partition: {command: python3 partition.py}             # gets FOLDER CLIENTS appended: makes FOLDER/0, FOLDER/1, …
    python: {requirements: requirements.txt}                 # or a list; an environment of the package's own
    helper: keras

Commands are split as a shell would, but run without one.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml

from fedn.errors import InvalidPackage

WARM = ("train", "validate", "predict")
"""Entry points that may stay up between tasks."""
KNOWN = (*WARM, "startup", "seed", "partition")
"""Entry points that something runs; others are let be."""

_ALIASES = 16
"""Most references to other parts of a manifest. With many, a few lines can stand for more than fits into memory."""
_DEEP = 100
"""Most lists and mappings within each other."""


@dataclass(frozen=True)
class EntryPoint:
    """One thing that the package can be asked to do."""

    command: str
    warm: bool = False
    """One process stays up and takes task after task."""
    seconds: float = math.inf
    """The longest that a run may take."""

    @property
    def argv(self) -> list[str]:
        """The command's words."""
        return shlex.split(self.command)


@dataclass(frozen=True)
class Manifest:
    """A compute package's own description."""

    entry_points: Mapping[str, EntryPoint]
    requirements: tuple[str, ...] = ()
    """Python requirements, one a line as pip reads them."""
    requirements_file: str = ""
    """Or the file within `client/` that lists them."""
    helper: str = ""
    """Name of the helper that reads and writes its models; empty when it needs none."""

    def entry(self, name: str) -> EntryPoint:
        """The entry point of that name; raises InvalidPackage when there is none."""
        if name not in self.entry_points:
            raise InvalidPackage(
                f"the compute package has no entry point `{name}`, only {', '.join(sorted(self.entry_points))}",
                hint="add it under entry_points in client/fedn.yaml",
            )
        return self.entry_points[name]

    @classmethod
    def parse(cls, text: str | bytes, *, source: str) -> Manifest:
        """Read a manifest. Keys at its top that are not known are left alone, so that older packages keep working.

        Args:
            text: YAML, in UTF-8 when given as bytes.
            source: Where it comes from, for the messages.

        Raises:
            InvalidPackage: Naming `source`, the key and what was expected.
        """
        try:
            _check_extent(text, source=source)
            document = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date such as 2021-13-01
            raise InvalidPackage(f"{source} is not readable as YAML: {error}") from None
        top = _mapping(document, source=source)
        entries = {
            str(name): _entry(name, value, source=source)
            for name, value in _mapping(top.get("entry_points"), source=f"entry_points in {source}").items()
        }
        if not {"train", "validate"} & set(entries):
            raise InvalidPackage(
                f"{source} has neither a train nor a validate entry point",
                hint="add `train: {command: python3 train.py}` under entry_points",
            )
        listed, file = _requirements(top.get("python"), source=source)
        return cls(entries, listed, file, _text(top.get("helper", ""), source=f"helper in {source}"))


def _check_extent(text: str | bytes, *, source: str) -> None:
    aliases = depth = 0
    for event in yaml.parse(text):
        aliases += isinstance(event, yaml.AliasEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if aliases > _ALIASES:
            raise InvalidPackage(f"{source} has more than {_ALIASES} aliases", hint="write out what they stand for")
        if depth > _DEEP:
            raise InvalidPackage(f"{source} is not readable as YAML: more than {_DEEP} lists within each other")


def _entry(name: object, value: object, *, source: str) -> EntryPoint:
    where = f"entry_points.{name} in {source}"
    options = _mapping(value, source=where, known=("command", "warm", "seconds"))
    command, warm, seconds = options.get("command"), options.get("warm", False), options.get("seconds", math.inf)
    try:
        words = shlex.split(_text(command, source=f"{where}: command"))
    except ValueError as error:
        raise InvalidPackage(f"{where}: command has an unfinished quotation: {error}") from None
    if not words:
        raise InvalidPackage(f"{where}: command is empty")
    if not isinstance(warm, bool):
        raise InvalidPackage(f"{where}: warm is {warm!r}, expected true or false")
    if warm and name not in WARM:
        raise InvalidPackage(f"{where}: only {', '.join(WARM)} can be warm")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        raise InvalidPackage(f"{where}: seconds is {seconds!r}, expected a number above 0")
    return EntryPoint(str(command), warm, float(seconds))


def _requirements(value: object, *, source: str) -> tuple[tuple[str, ...], str]:
    """The requirements as a list, or the name of the file that lists them."""
    if value is None:
        return (), ""
    where = f"python.requirements in {source}"
    found = _mapping(value, source=f"python in {source}", known=("requirements",)).get("requirements", [])
    if isinstance(found, list):
        return tuple(_text(line, source=where) for line in found), ""
    file = _text(found, source=where)
    if file.startswith("/") or ".." in PurePosixPath(file).parts:
        raise InvalidPackage(f"{where} is {file!r}, expected a file within client/")
    return (), str(PurePosixPath(file))


def _mapping(value: object, *, source: str, known: tuple[str, ...] = ()) -> Mapping[Any, Any]:
    if not isinstance(value, dict):
        raise InvalidPackage(f"{source} is {'missing' if value is None else repr(value)}, expected a mapping")
    if unknown := [key for key in value if known and key not in known]:
        raise InvalidPackage(f"{source} has an unknown key {unknown[0]!r}", hint=f"known are {', '.join(known)}")
    return value


def _text(value: object, *, source: str) -> str:
    if not isinstance(value, str):
        raise InvalidPackage(f"{source} is {'missing' if value is None else repr(value)}, expected a string")
    return value
