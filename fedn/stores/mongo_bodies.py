"""Documents as MongoDB keeps them, and back without a loss.

Fields are BSON, so that people can look things up with MongoDB's own tools. What BSON can't hold exactly (integers
beyond 64 bits, keys with dots, lone surrogates, deep nesting) stands as JSON text in one further field.
"""

from __future__ import annotations

import json
import re
from typing import Any

from fedn.stores.document import Body, Document, T
from fedn.stores.protocols import Where, check_where

DEEPEST = 50
"""Levels of nesting within a field that are kept as BSON, which allows 100 in a whole message."""

ODD = "_json"
"""Field with the JSON text."""

_PLAIN_KEY = re.compile(r"[^$.\0\ud800-\udfff][^.\0\ud800-\udfff]*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_encode = json.JSONEncoder(separators=(",", ":")).encode


def to_bson(document: Document, *, seq: int, revision: int) -> Body:
    body: Body = {"_id": document.id, "seq": seq, "revision": revision}
    odd: Body = {}
    for name, value in document.to_body().items():
        if name != "id":
            (body if _is_exact(value, DEEPEST) else odd)[name] = value
    return body | {ODD: _encode(odd)} if odd else body


def from_bson(kind: type[T], body: Body) -> T:
    odd = json.loads(body[ODD]) if ODD in body else {}
    return kind.from_body(_python(body) | odd | {"id": body["_id"]})


def query(kind: type[Document], where: Where | None) -> dict[str, Any]:
    """The condition in MongoDB's words; `InvalidInput` as the protocol says."""
    where = where or {}
    check_where(kind, where)
    return {"_id" if name == "id" else name: _equals(value) for name, value in where.items()}


def _equals(value: str | float | bool | None) -> dict[str, Any]:
    # A truth value and its number are one here, as in every other store, and no element of a list is the list.
    same = [bool(value), int(value)] if isinstance(value, int | float) and value in (0, 1) else [value]
    return {"$in": same, "$not": {"$type": "array"}}


def _is_exact(value: object, levels: int) -> bool:
    kind = type(value)
    if isinstance(value, str) and kind is str:
        return value.isascii() or not _SURROGATE.search(value)
    if isinstance(value, int) and kind is int:
        return -(2**63) <= value < 2**63
    if isinstance(value, list):
        return levels > 0 and all(_is_exact(item, levels - 1) for item in value)
    if isinstance(value, dict):
        return levels > 0 and all(
            isinstance(key, str) and _PLAIN_KEY.fullmatch(key) and _is_exact(item, levels - 1)
            for key, item in value.items()
        )
    return value is None or kind in (bool, float)


def _python(value: Any) -> Any:
    """The value without BSON's own types: its integers of 64 bits are a class apart."""
    if isinstance(value, dict):
        return {key: _python(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_python(item) for item in value]
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value
