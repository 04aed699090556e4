"""What every call to the reducer has in common."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from fedn.rpc.http import Http

Json = dict[str, Any]

_PAGE = 1000
"""Most items that the reducer gives at once."""


class Calls:
    """What may be asked about one noun is a class derived from this; `Reducer` is all of them."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def _get(self, *parts: str) -> Json:
        answer: Json = self._http.get(address(*parts))
        return answer

    def _post(self, *parts: str, **body: Any) -> Json:
        answer: Json = self._http.post(address(*parts), body)
        return answer

    def _items(self, path: str, *, limit: int | None = None, **filters: str | float | None) -> list[Json]:
        """The items of a list, page after page."""
        items: list[Json] = []
        before = None
        while limit is None or len(items) < limit:
            most = _PAGE if limit is None else min(_PAGE, limit - len(items))
            page = self._http.get(address(path), limit=most, before=before, **filters)
            items += page["items"]
            before = page["next"]
            if before is None:
                break
        return items


def address(*parts: str) -> str:
    """The path of a resource; `parts` may have any characters."""
    return "/api/v1/" + "/".join(quote(part, safe="") for part in parts)


def server_sent(lines: Iterable[str]) -> Iterator[tuple[str, Json]]:
    """The events of a `text/event-stream`, their data as JSON; comments are left out."""
    kind, data = "", ""
    for line in lines:
        name, _, value = line.partition(":")
        if name == "event":
            kind = value.strip()
        elif name == "data":
            data += value.strip()
        elif not line and data:
            yield kind, json.loads(data)
            kind, data = "", ""
