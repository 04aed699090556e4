"""The reducer's settings as people may see them: without its secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fedn.config import Option, ReducerSettings, options, texts
from fedn.stores.document import Body

HIDDEN = "••••"
"""Stands for a secret that is set."""

_USER = re.compile(r"([A-Za-z0-9+.-]+://)?.*@", re.DOTALL)
"""What stands before the last host, where an address has it: a user, and often a password, of whatever characters."""


def groups(settings: ReducerSettings) -> list[Body]:
    """All settings, those of one matter together: `{name, settings: [{name, key, variable, value, meaning}]}`."""
    found: dict[str, list[Body]] = {}
    for one in _settings(settings):
        found.setdefault(one["name"].rpartition(".")[0] or "reducer", []).append(one)
    return [{"name": name, "settings": members} for name, members in found.items()]


def _settings(settings: ReducerSettings) -> Iterator[Body]:
    for option in options(ReducerSettings):
        first, _, rest = option.target.partition(".")
        section: Any = getattr(settings, first) if rest else settings
        if option.is_file or (option.owner and option.owner != section.TYPE):
            continue
        is_type = rest == "type"
        about = texts(ReducerSettings if is_type or not rest else type(section))
        yield {
            "name": option.name,
            "key": option.key,
            "variable": option.env,
            "value": section.TYPE if is_type else _value(option, getattr(section, rest or first)),
            "meaning": " ".join(about[first if is_type or not rest else rest].split()),
        }


def _value(option: Option, value: Any) -> Any:
    if option.secret:
        return HIDDEN if value else ""
    if isinstance(value, str):
        return _USER.sub(lambda found: f"{found[1] or ''}{HIDDEN}@", value, count=1)
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
