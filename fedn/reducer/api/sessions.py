"""Sessions, their rounds, and what clients found of the models."""

from __future__ import annotations

import time
import uuid
from functools import partial
from typing import Any

from apiflask import APIBlueprint
from flask import Response

from fedn.errors import NotFound
from fedn.reducer import comparison, sessions
from fedn.reducer.api import answers, requests
from fedn.reducer.api.pages import everything, page
from fedn.reducer.context import login, may_still, services, watchers
from fedn.reducer.openapi import EVENTS
from fedn.stores.documents import Round, Session, Validation

blueprint = APIBlueprint("sessions", __name__, url_prefix="/api/v1")


@blueprint.post("/sessions")
@blueprint.input(requests.SessionRequest, arg_name="body")
@blueprint.output(answers.Session, status_code=201)
def start_session(body: requests.SessionRequest) -> Session:
    """Start a session. One runs at a time."""
    return sessions.start(services(), to_session(body))


@blueprint.get("/sessions")
@blueprint.input(requests.Page, location="query", arg_name="query")
@blueprint.output(answers.SessionList)
def list_sessions(query: requests.Page) -> dict[str, Any]:
    """All sessions, newest first."""
    return page(Session, query)


@blueprint.get("/sessions/compare")
@blueprint.input(requests.CompareQuery, location="query", arg_name="query")
@blueprint.output(answers.Comparison)
def compare_sessions(query: requests.CompareQuery) -> dict[str, Any]:
    """Sessions side by side: settings that differ, seconds a round, final and best metrics."""
    return everything(comparison.compare(services(), query.session_id))


@blueprint.get("/sessions/<session_id>")
@blueprint.output(answers.Session)
def show_session(session_id: str) -> Session:
    """One session."""
    return sessions.get(services(), session_id)


@blueprint.get("/sessions/<session_id>/progress")
@blueprint.output(answers.Progress)
def show_progress(session_id: str) -> dict[str, Any]:
    """How far a session is: its running round with the clients by state, and what it waits for."""
    return sessions.progress(services(), session_id)


@blueprint.post("/sessions/<session_id>/stop")
@blueprint.output(answers.Session)
def stop_session(session_id: str) -> Session:
    """Have a session end. One that has ended stays as it is."""
    return sessions.stop(services(), session_id)


@blueprint.get("/sessions/<session_id>/watch")
@blueprint.doc(responses=EVENTS)
def watch_session(session_id: str) -> Response:
    """The session and its round as they are, then what happens to it as it happens, until it has ended.

    Events: `session` (its document), `round_started`, `round_progress`, `round_finished`, `model`, `validation`,
    `event`.
    """
    here = services()
    sessions.get(here, session_id)  # not found has to be said before the stream begins
    return watchers().stream(partial(sessions.watch, here, session_id), may=may_still(), login=login())


@blueprint.get("/rounds")
@blueprint.input(requests.RoundQuery, location="query", arg_name="query")
@blueprint.output(answers.RoundList)
def list_rounds(query: requests.RoundQuery) -> dict[str, Any]:
    """Attempts at rounds, newest first. What became of each client comes with the round itself."""
    return page(Round, query)


@blueprint.get("/rounds/<round_id>")
@blueprint.output(answers.Round)
def show_round(round_id: str) -> Round:
    """One attempt at a round, and what became of each client."""
    found = services().state.get(Round, round_id)
    if found is None:
        raise NotFound(f"no round {round_id!r}", hint="`GET /api/v1/rounds` lists them")
    return found


@blueprint.get("/validations")
@blueprint.input(requests.ValidationQuery, location="query", arg_name="query")
@blueprint.output(answers.ValidationList)
def list_validations(query: requests.ValidationQuery) -> dict[str, Any]:
    """What clients found when they validated models, newest first."""
    return page(Validation, query)


def to_session(body: requests.SessionRequest) -> Session:
    """A new session as it is asked for."""
    return Session(id=str(uuid.uuid4()), created_at=time.time(), **body.model_dump(by_alias=True))
