"""What happened that people may want to know of."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from fedn.reducer import streams
from fedn.reducer.api import answers, requests
from fedn.reducer.api.pages import page
from fedn.reducer.context import watchers
from fedn.reducer.openapi import EVENTS
from fedn.stores.documents import Event

blueprint = APIBlueprint("events", __name__, url_prefix="/api/v1")


@blueprint.get("/events")
@blueprint.input(requests.EventQuery, location="query", arg_name="query")
@blueprint.output(answers.EventList)
def list_events(query: requests.EventQuery) -> dict[str, Any]:
    """Events, newest first."""
    return page(Event, query)


@blueprint.get("/events/watch")
@blueprint.doc(responses=EVENTS)
def watch_events() -> Response:
    """All that happens, as it happens: new events, changes of the network, and what every session does."""
    return watchers().stream(streams.everything)
