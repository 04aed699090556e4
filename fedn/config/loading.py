"""From defaults, environment, flags and settings file to the settings of a role."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar, get_type_hints

from fedn.config.kinds import NAMES
from fedn.config.roles import ClientSettings, CombinerSettings, Member, ReducerSettings
from fedn.config.schema import Section, choices, options
from fedn.config.sources import Given, from_environment, from_file, from_flags, shape
from fedn.errors import ConfigError

S = TypeVar("S", bound=Section)


def load_reducer(
    file: Path | None, flags: Mapping[str, object], env: Mapping[str, str] | None = None
) -> ReducerSettings:
    """The settings of a reducer: defaults, over them `FEDN_*` of `env`, then `flags`, then `file`.

    Args:
        file: YAML settings file; None where there is none.
        flags: Values by option name, such as `port` or `statestore.host`; None is a flag that wasn't given.
        env: Environment variables; by default this process's own.

    Raises:
        ConfigError: A source that can't be read, an unknown setting, or a value of the wrong kind.
    """
    return _load(ReducerSettings, file, flags, env)


def load_combiner(
    file: Path | None, flags: Mapping[str, object], env: Mapping[str, str] | None = None
) -> CombinerSettings:
    """The settings of a combiner; see `load_reducer`."""
    return _load(CombinerSettings, file, flags, env)


def load_client(file: Path | None, flags: Mapping[str, object], env: Mapping[str, str] | None = None) -> ClientSettings:
    """The settings of a client; see `load_reducer`."""
    return _load(ClientSettings, file, flags, env)


def load_member(file: Path | None, flags: Mapping[str, object], env: Mapping[str, str] | None = None) -> Member:
    """What an operator's command needs to find its reducer; see `load_reducer`."""
    return _load(Member, file, flags, env)


@dataclass(frozen=True)
class _Value:
    value: object
    given: Given


def _load(role: type[S], file: Path | None, flags: Mapping[str, object], env: Mapping[str, str] | None) -> S:
    env = os.environ if env is None else env
    known = tuple(options(role))
    values = _values(from_environment(known, env)) | _values(from_flags(known, flags))
    if file is not None:
        values |= _values(from_file(known, file, env))
    return _build(role, values)


def _values(source: Iterable[Given]) -> dict[str, _Value]:
    """What one source gives, by the name of the setting."""
    values: dict[str, _Value] = {}
    for given in source:
        target = given.option.target
        if target in values:
            raise ConfigError(f"{values[target].given.where} and {given.where} give the same setting", hint="give one")
        values[target] = _Value(_parsed(given), given)
    return values


def _parsed(given: Given) -> object:
    option, raw = given.option, given.raw
    if isinstance(raw, list) and option.kind is NAMES and all(isinstance(item, str) for item in raw):
        raw = ",".join(raw)
    if isinstance(raw, str) and option.is_file:
        raw = _content(Path(raw), given.where)
    shown = "this value" if option.secret else repr(raw)
    if not isinstance(raw, str):
        raise ConfigError(f"{given.where}: expected {option.kind.expected}, not {shape(raw)}")
    try:
        return option.kind.read(raw)
    except (ValueError, KeyError):
        raise ConfigError(f"{given.where}: {shown} is not {option.kind.expected}") from None


def _content(file: Path, where: str) -> str:
    try:
        return file.expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text in UTF-8"
        raise ConfigError(f"{where}: {file} can't be read: {reason}") from error


def _build(section: type[S], values: Mapping[str, _Value], prefix: str = "") -> S:
    arguments: dict[str, object] = {}
    hints = get_type_hints(section)
    for each in fields(section):
        name = prefix + each.name
        if members := choices(hints[each.name]):
            kind = str(values[f"{name}.type"].value) if f"{name}.type" in values else members[0].TYPE
            _refuse_others(kind, values, f"{name}.")
            chosen = next(member for member in members if kind == member.TYPE)
            arguments[each.name] = _build(chosen, values, f"{name}.")
        elif name in values:
            arguments[each.name] = values[name].value
    return section(**arguments)


def _refuse_others(kind: str, values: Mapping[str, _Value], prefix: str) -> None:
    """Raise when something was given that only another choice than `kind` has."""
    for target, value in values.items():
        owner = value.given.option.owner
        if target.startswith(prefix) and owner not in ("", kind):
            raise ConfigError(f"{value.given.where}: only for the type {owner}, and the type is {kind}")
