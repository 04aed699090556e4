"""What happened that people may want to know of."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from apiflask import APIBlueprint
from flask import Response

from fedn.reducer import events, exports, streams
from fedn.reducer.api import answers, requests
from fedn.reducer.context import login, may_still, services, watchers
from fedn.reducer.encoding import dumps
from fedn.reducer.openapi import EVENTS, EXPORT
from fedn.stores.documents import Event

blueprint = APIBlueprint("events", __name__, url_prefix="/api/v1")

_COLUMNS = ("time", "level", "kind", "source", "session", "message", "data", "id")


@blueprint.get("/events")
@blueprint.input(requests.EventQuery, location="query", arg_name="query")
@blueprint.output(answers.EventList)
def list_events(query: requests.EventQuery) -> dict[str, Any]:
    """Events, newest first. With filters by time or text a page may have few items or none, and others follow."""
    found, following = events.find(services().state, wanted(query), limit=query.limit, before=query.before)
    return {"items": found, "next": following}


@blueprint.get("/events/export")
@blueprint.input(requests.EventExport, location="query", arg_name="query")
@blueprint.doc(responses=EXPORT)
def export_events(query: requests.EventExport) -> Response:
    """All events that pass the filters, newest first, as a file. Times are in UTC."""
    found = events.every(services().state, wanted(query))
    if query.format == "csv":
        rows = exports.as_csv((_row(event) for event in found), headings=_COLUMNS)
        return exports.attachment(rows, name="events.csv", mimetype="text/csv")
    items = exports.as_json(event.to_body() for event in found)
    return exports.attachment(items, name="events.json", mimetype="application/json")


@blueprint.get("/events/watch")
@blueprint.doc(responses=EVENTS)
def watch_events() -> Response:
    """All that happens, as it happens: new events, changes of the network, and what every session does."""
    return watchers().stream(streams.everything, may=may_still(), login=login())


def wanted(query: requests.EventFilter) -> events.Wanted:
    """The events that pass the filters of a request."""
    where = query.model_dump(include={"level", "kind", "source", "session_id"}, exclude_none=True)
    return events.Wanted(where=where, since=query.since, until=query.until, text=query.text or "")


def _row(event: Event) -> tuple[str, ...]:
    at = datetime.fromtimestamp(event.at, timezone.utc).isoformat(timespec="milliseconds")
    data = dumps(event.data) if event.data else ""
    return (at, event.level, event.kind, event.source, event.session_id, event.message, data, event.id)
