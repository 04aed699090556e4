"""Events and audit: what happened, and what people had happen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from apiflask import APIBlueprint
from flask import request
from pydantic import ValidationError

from fedn.errors import InvalidInput
from fedn.reducer import events
from fedn.reducer.api.events import wanted
from fedn.reducer.api.requests import EventQuery
from fedn.reducer.context import services
from fedn.reducer.ui.render import render
from fedn.stores.documents import Token

blueprint = APIBlueprint("event_pages", __name__, enable_openapi=False)

_ROWS = 100
_FILTERS = ("level", "kind", "source", "session_id", "since", "until", "text")
_TIMES = ("since", "until")


def show() -> str:
    """What happened, by the filters of the address. At `/events`, where programs get JSON."""
    return _page("events.html", "/events")


@blueprint.get("/audit")
def audit() -> str:
    """What operators had happen, and with which token."""
    tokens = {token.id: token for _, token in services().state.find(Token)}
    return _page("audit.html", "/audit", only={"level": "audit", "source": "reducer"}, tokens=tokens)


def _page(template: str, path: str, *, only: Mapping[str, str] = MappingProxyType({}), **values: Any) -> str:
    given = {name: text for name in (*_FILTERS, "before") if (text := request.args.get(name, "").strip())}
    query = _query({**given, **only})
    found, following = events.find(services().state, wanted(query), limit=query.limit, before=query.before)
    filters = {
        name: value for name, value in query.model_dump(include=set(_FILTERS), exclude_none=True).items() if value
    }
    return render(
        template,
        path=path,
        given=given,
        events=found,
        older=_address(path, {**given, "before": following}) if following is not None else "",
        newest=_address(path, {name: text for name, text in given.items() if name != "before"}),
        export=urlencode(filters),
        **values,
    )


def _query(given: Mapping[str, str]) -> EventQuery:
    """What a form asks for: as the JSON interface, but times as its fields have them, in UTC."""
    try:
        times = {name: _instant(given[name]) for name in _TIMES if name in given}
        return EventQuery.model_validate({**given, **times, "limit": _ROWS})
    except ValidationError as error:
        faults = "; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors())
        raise InvalidInput(faults, hint="correct the address, or begin anew at its page without any filter") from None


def _instant(text: str) -> float:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        raise InvalidInput(f"{text!r} is no time", hint="write it as 2026-01-31T12:00, in UTC") from None


def _address(path: str, fields: dict[str, Any]) -> str:
    return f"{path}?{urlencode(fields)}" if fields else path
