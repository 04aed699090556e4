"""How a field of the settings is named from outside.

The field `discover_host` of a role is the key `controller.discover_host` of its settings file, the environment variable
`FEDN_DISCOVER_HOST`, and the flag `discover_host`. The settings classes are the only place where any of this is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints

from fedn.config.kinds import Kind, kind_of, one_of


@dataclass(frozen=True, kw_only=True)
class Section:
    """Base of all settings classes. A field kept out of `repr` is a secret; what else there is to say is its type."""


@dataclass(frozen=True, kw_only=True)
class Choice(Section):
    """Base of settings classes of which a field holds one or another."""

    TYPE: ClassVar[str]
    """What is written to choose this one."""


@dataclass(frozen=True)
class Key:
    """Notes, in the type of a field, how it is written in a settings file where that isn't the field's own name."""

    name: str
    """Dotted; it stands behind the key of the section."""
    chosen_by: str = "type"
    """For a field with a `Choice`: the key under it that chooses."""


@dataclass(frozen=True)
class Option:
    """One way to give one setting."""

    name: str
    """Dotted field names: `port`, `statestore.host`; with `_file` behind it for the file of a secret."""
    key: str
    """Dotted key in a settings file."""
    kind: Kind
    target: str
    """Name of the setting that it gives: `name`, unless this is the file of a secret."""
    secret: bool = False
    owner: str = ""
    """`TYPE` of the choice that alone has this setting."""

    @property
    def env(self) -> str:
        """Its environment variable."""
        return f"FEDN_{self.name.replace('.', '_').upper()}"

    @property
    def is_file(self) -> bool:
        """Whether it gives the path of a file with the value in it, and not the value."""
        return self.name != self.target


def choices(hint: Any) -> tuple[type[Choice], ...]:
    """The classes that a field of type `hint` chooses from; none for a plain value."""
    bare = hint.__origin__ if get_origin(hint) is Annotated else hint
    return tuple(member for member in get_args(bare) if isinstance(member, type) and issubclass(member, Choice))


def options(section: type[Section], *, name: str = "", key: str = "", owner: str = "") -> Iterator[Option]:
    """Every option of a settings class; `name` and `key` stand before those of its fields."""
    hints = get_type_hints(section, include_extras=True)
    for each in fields(section):
        hint = hints[each.name]
        notes = [note for note in getattr(hint, "__metadata__", ()) if isinstance(note, Key)]
        noted = notes[0] if notes else Key(each.name)
        full_name, full_key = name + each.name, key + noted.name
        if members := choices(hint):
            types = one_of(tuple(member.TYPE for member in members))
            yield Option(f"{full_name}.type", f"{full_key}.{noted.chosen_by}", types, f"{full_name}.type")
            for member in members:
                yield from options(member, name=f"{full_name}.", key=f"{full_key}.", owner=member.TYPE)
            continue
        secret = not each.repr
        yield Option(full_name, full_key, kind_of(hint), full_name, secret, owner)
        if secret:
            yield Option(f"{full_name}_file", f"{full_key}_file", kind_of(hint), full_name, secret, owner)
