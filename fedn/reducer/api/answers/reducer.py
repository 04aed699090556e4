"""Of the reducer: what it saw, how it runs, what it is."""

from __future__ import annotations

from fedn.reducer.api.answers.base import Answer, listing, of
from fedn.stores import documents

Event = of(documents.Event)
EventList = listing(Event)
Sample = of(documents.Sample)


class SampleList(Answer):
    """What the parts of the network took of their machines, oldest first."""

    items: list[Sample]  # type: ignore[valid-type]
    seconds: float
    """How often it is noted; 0 for never."""


class Health(Answer):
    status: str
    version: str


class Setting(Answer):
    """A setting of the reducer as it runs."""

    name: str
    key: str
    """Where it stands in a settings file."""
    variable: str
    """Its environment variable."""
    value: str | float | bool | list[str]
    """Of a secret no more than whether there is one."""
    meaning: str


class SettingGroup(Answer):
    """Settings of one matter."""

    name: str
    settings: list[Setting]


class SettingGroups(Answer):
    """All settings of the reducer."""

    groups: list[SettingGroup]


class Library(Answer):
    """A distribution that the reducer runs on."""

    name: str
    version: str
    licence: str
    """As it says of itself."""
    home: str
    """Where it comes from; empty where it doesn't say."""


class About(Answer):
    """What this reducer is."""

    version: str
    python: str
    licence: str
    libraries: list[Library]
