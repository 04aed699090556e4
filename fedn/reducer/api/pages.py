"""Lists of documents, a page at a time."""

from __future__ import annotations

from typing import Any

from fedn.reducer.api.requests import Page
from fedn.reducer.context import services
from fedn.stores.document import T


def page(kind: type[T], query: Page) -> dict[str, Any]:
    """The documents that `query` asks for, newest first. Its further fields are what they must have, where given."""
    where = query.model_dump(exclude={"limit", "before"}, exclude_none=True)
    found = services().state.find(kind, where=where, limit=query.limit + 1, before=query.before)
    shown = found[: query.limit]
    return {"items": [document for _, document in shown], "next": shown[-1][0] if len(found) > len(shown) else None}


def everything(items: list[Any]) -> dict[str, Any]:
    """A list that has one page."""
    return {"items": items, "next": None}
