"""Home: what is going on now."""

from __future__ import annotations

import time
from typing import Any

from apiflask import APIBlueprint
from flask import redirect
from flask.typing import ResponseReturnValue

from fedn.errors import Unavailable
from fedn.reducer import attention, control, sessions, standing
from fedn.reducer.context import services
from fedn.reducer.services import Services
from fedn.reducer.ui.render import render, wanted
from fedn.stores.documents import Event, Model, Session

blueprint = APIBlueprint("home_page", __name__, enable_openapi=False)

_EVENTS = 8
_LOOKED_AT = 500
"""Newest events, among which those of the reducer are picked: what its many clients say is on the events' page."""


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """The running round, the newest events, how every part is, and what needs attention.

    Leads to set-up while a step of it is missing. With the state store away it shows what is known without.
    """
    here, now = services(), time.time()
    try:
        if standing.missing_step(here):
            return redirect("/setup", 303)
        stored = _stored(here)
    except Unavailable:
        stored = {}  # the survey says what is away
    return render(
        "home.html",
        survey=attention.survey(here, now=now) if wanted("attention", "health") else None,
        now=now,
        combiners=here.network.combiners(),
        clients=here.network.clients(),
        stored=stored,
    )


def _stored(here: Services) -> dict[str, Any]:
    """What the state store knows."""
    last = next((session for _, session in here.state.find(Session, limit=1)), None)
    running = last is not None and last.ended_at is None
    found: dict[str, Any] = {
        "session": last,
        "progress": sessions.progress(here, last.id) if running and last else None,
    }
    if wanted("facts"):
        found |= _facts(here)
    if wanted("events"):
        newest = here.state.find(Event, limit=_LOOKED_AT)
        found["events"] = [event for _, event in newest if _matters(event)][:_EVENTS]
    return found


def _facts(here: Services) -> dict[str, Any]:
    model = here.state.get(Model, control.read(here.state).latest_model)
    measured = model
    if model and not model.metrics and model.parent:
        measured = here.state.get(Model, model.parent)  # it is being validated
    return {
        "model": model,
        "measured": measured,
        "models": here.state.count(Model),
        "sessions": here.state.count(Session),
    }


def _matters(event: Event) -> bool:
    return event.kind != "client_status" or event.level in ("warning", "error")
