"""What a document of the state store is."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeVar

Body = dict[str, Any]
T = TypeVar("T", bound="Document")


@dataclass(frozen=True, kw_only=True)
class Document:
    """Base of all: a key within a kind."""

    KIND: ClassVar[str]
    id: str

    def to_body(self) -> Body:
        """This document as a JSON-compatible dict, which shares nested values with it."""
        return dict(vars(self))

    @classmethod
    def from_body(cls: type[T], body: Body) -> T:
        """The document of `body`; keys that a newer version wrote are left out."""
        known = {f.name for f in fields(cls)}
        return cls(**{key: value for key, value in body.items() if key in known})
