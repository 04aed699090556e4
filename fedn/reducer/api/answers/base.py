"""What the answers are made of: base, the fields of a stored document, pages of a list."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model


class Answer(BaseModel):
    """Base of all."""

    model_config = ConfigDict(from_attributes=True, protected_namespaces=(), use_attribute_docstrings=True)


def of(kind: type, *, name: str = "", without: tuple[str, ...] = ()) -> type[BaseModel]:
    """The answer that has the fields of a dataclass."""
    hints = get_type_hints(kind)
    taken: dict[str, Any] = {
        # A field may be named as a method of pydantic's: it goes by another name here and by its own outside.
        f"{field.name}_" if hasattr(BaseModel, field.name) else field.name: (
            _JSON.get(hints[field.name], hints[field.name]),
            Field(alias=field.name),
        )
        for field in fields(kind)
        if field.name not in without
    }
    return create_model(name or kind.__name__, __base__=Answer, __doc__=kind.__doc__, **taken)


def listing(item: type[BaseModel]) -> type[BaseModel]:
    """A page of items."""
    following = Field(description="`before` of the next page; null on the last one")
    taken: dict[str, Any] = {"items": (list[item], ...), "next": (int | None, following)}  # type: ignore[valid-type]
    return create_model(f"{item.__name__}List", __base__=Answer, __doc__="A page of a list.", **taken)


_JSON: dict[Any, Any] = {dict[str, float]: dict[str, float | None]}  # numbers that aren't finite are null
