"""The three places that settings come from, each as a list of what was given there."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from fedn.config.schema import Option
from fedn.errors import ConfigError


@dataclass(frozen=True)
class Given:
    """What one source says about one option."""

    option: Option
    raw: object
    where: str
    """The source, for error messages: `FEDN_PORT`, `flag port`, `combiner.yaml: combiner.port`."""


def from_environment(options: Sequence[Option], env: Mapping[str, str]) -> Iterator[Given]:
    """The `FEDN_*` variables. An empty one counts as not set, as Docker Compose passes on those that aren't."""
    for option in options:
        if value := env.get(option.env):
            yield Given(option, value, option.env)


def from_flags(options: Sequence[Option], flags: Mapping[str, object]) -> Iterator[Given]:
    """The flags of a command line by option name; None is a flag that wasn't given."""
    by_name = {option.name: option for option in options}
    for name, value in flags.items():
        if name not in by_name:
            raise ConfigError(f"flag {name}: there is no such setting", hint=_nearest(name, by_name))
        if value is not None:
            raw = [str(item) for item in value] if isinstance(value, list | tuple) else str(value)
            yield Given(by_name[name], raw, f"flag {name}")


def from_file(options: Sequence[Option], file: Path, env: Mapping[str, str]) -> Iterator[Given]:
    """The keys of a YAML settings file. A value that is `${NAME}` is taken from the environment; null is none at all.

    Raises:
        ConfigError: The file is missing, isn't YAML, or has a key that no option has.
    """
    by_key = {option.key: option for option in options}
    sections = {key[:end] for key in by_key for end in range(len(key)) if key[end] == "."}

    def walk(node: object, prefix: str) -> Iterator[Given]:
        if not isinstance(node, dict):
            place = f"{file}: {prefix.rstrip('.')}" if prefix else str(file)
            raise ConfigError(f"{place} is {shape(node)}, expected a section with keys and values")
        for name, value in node.items():
            key = f"{prefix}{name}"
            if key not in by_key and key not in sections:
                raise ConfigError(f"{file}: there is no setting {key}", hint=_nearest(key, [*by_key, *sections]))
            if value is None:
                continue
            if key in sections:
                yield from walk(value, f"{key}.")
            else:
                where = f"{file}: {key}"
                yield Given(by_key[key], _substituted(value, env, where), where)

    document = _read(file)
    if document is not None:
        yield from walk(document, "")


class _Loader(yaml.SafeLoader):
    """YAML with every scalar as it is written, but for null; a key that stands twice is an error."""

    yaml_implicit_resolvers = {  # noqa: RUF012  as its base class has it
        first: [(tag, pattern) for tag, pattern in resolvers if tag.endswith((":null", ":merge"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        names = [key.value for key, _ in node.value]
        for position, (key, _) in enumerate(node.value):
            if key.value in names[:position]:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands there twice", key.start_mark)
        return super().construct_mapping(node, deep)


def _read(file: Path) -> object:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text in UTF-8"
        raise ConfigError(f"{file}: the settings file can't be read: {reason}", hint="check its path") from error
    try:
        document: object = yaml.load(text, _Loader)  # noqa: S506  a SafeLoader underneath
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{file}, line {mark.line + 1}" if mark else str(file)
        problem = getattr(error, "problem", None) or "unreadable"
        raise ConfigError(f"{place}: not valid YAML: {problem}", hint="keys and values, indented by spaces") from None
    return document


def _substituted(value: object, env: Mapping[str, str], where: str) -> object:
    found = re.fullmatch(r"\$\{(\w+)\}", value) if isinstance(value, str) else None
    if not found:
        return value
    if found[1] not in env:
        raise ConfigError(f"{where}: the environment variable {found[1]} is not set", hint="set it, or write the value")
    return env[found[1]]


def shape(raw: object) -> str:
    """What a part of a settings file is, for error messages."""
    return "a section" if isinstance(raw, dict) else "a list" if isinstance(raw, list) else "a single value"


def _nearest(name: str, known: Collection[str]) -> str:
    """A hint that names the setting most like `name`, by its whole name or by its last part."""
    by_last = {key.rpartition(".")[2]: key for key in known}
    near = get_close_matches(name, known, n=1, cutoff=0.75)
    near = near or [by_last[last] for last in get_close_matches(name.rpartition(".")[2], by_last, n=1)]
    return f"did you mean {near[0]}?" if near else f"the settings here are: {', '.join(sorted(known))}"
