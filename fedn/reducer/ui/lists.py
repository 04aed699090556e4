"""Lists on pages: shorter than those of the JSON interface, as people read them."""

from __future__ import annotations

from typing import TypeVar

from pydantic import Field, create_model

from fedn.reducer.api.requests import Page

Query = TypeVar("Query", bound=Page)


def of_rows(rows: int, query: type[Query]) -> type[Query]:
    """`query` for a page that lists `rows` at once: fewer may be asked for, more may not."""
    return create_model(query.__name__, __base__=query, limit=(int, Field(rows, ge=1, le=rows)))
