"""Sessions: started, watched, compared."""

from __future__ import annotations

import time
from urllib.parse import urlencode

from apiflask import APIBlueprint
from flask import redirect
from flask.typing import ResponseReturnValue
from pydantic import Field

from fedn.core.model import ClientState
from fedn.core.strategies import names
from fedn.errors import NotFound
from fedn.reducer import comparison, sessions
from fedn.reducer.api import requests
from fedn.reducer.api.pages import page
from fedn.reducer.context import services
from fedn.reducer.plots.times import PARTS
from fedn.reducer.ui.lists import of_rows
from fedn.reducer.ui.render import once_set_up, render, wanted
from fedn.stores.document import Body
from fedn.stores.documents import Event, Model, Round, Session, Summary, Tag

blueprint = APIBlueprint("session_pages", __name__, enable_openapi=False)

_ROWS = 25
_EVENTS = 15
_OFFERED = 20
"""Newest models that the form offers to start from, besides those with a tag."""
_NAMED = 5
"""Clients of a failed round that are named."""


class ListQuery(requests.Page):
    start_model: str = Field("", max_length=200)
    """What the form begins with."""


class CompareQuery(requests.CompareQuery):
    metric: str = Field("", max_length=200)
    """Which one is drawn; empty takes the first by name."""


@blueprint.get("/control")
def control() -> ResponseReturnValue:
    """The address of 2021."""
    return redirect("/sessions", 303)


@blueprint.get("/sessions")
@blueprint.input(of_rows(_ROWS, ListQuery), location="query", arg_name="query")
@once_set_up
def listing(query: ListQuery) -> str:
    """All sessions, and a form to start one."""
    state = services().state
    found = page(Session, requests.Page(limit=query.limit, before=query.before))
    shown: list[Session] = found["items"]
    running = next((one for _, one in state.find(Session, limit=1) if one.ended_at is None), None)
    return render(
        "sessions.html",
        rows=[(one, _metrics(one.model_id)) for one in shown] if wanted("sessions") else [],
        query=query,
        following=found["next"],
        running=running,
        progress=sessions.progress(services(), running.id) if running else None,
        defaults=requests.SessionRequest.model_validate({}),
        strategies=names(),
        tags=[tag for _, tag in state.find(Tag)],
        models=[model for _, model in state.find(Model, limit=_OFFERED)] if wanted("start") else [],
        now=time.time(),
    )


@blueprint.get("/sessions/compare")
@blueprint.input(CompareQuery, location="query", arg_name="query")
def compare(query: CompareQuery) -> str:
    """Sessions side by side."""
    found = comparison.compare(services(), query.session_id)
    metrics = sorted({name for one in found for name in one["metrics"]})
    return render(
        "sessions_compare.html",
        sessions=found,
        metrics=metrics,
        best={name: _best(name, found) for name in metrics},
        metric=query.metric or next(iter(metrics), ""),
        query=urlencode([("session_id", one["session_id"]) for one in found]),
    )


@blueprint.get("/sessions/<session_id>")
@blueprint.input(of_rows(_ROWS, requests.Page), location="query", arg_name="query")
def show(session_id: str, query: requests.Page) -> str:
    """One session as it goes on."""
    here = services()
    session = sessions.get(here, session_id)
    rounds: list[tuple[int, Summary]] = []
    events: list[Event] = []
    if wanted("events"):
        events = [event for _, event in here.state.find(Event, where={"session_id": session_id}, limit=_EVENTS)]
    if wanted("rounds"):
        rounds = here.gists.attempts(session_id, query.limit + 1, query.before)
    return render(
        "session.html",
        session=session,
        metrics=_metrics(session.model_id),
        progress=sessions.progress(here, session_id) if session.ended_at is None else None,
        failed=_failed(session),
        rounds=[_row(one) for _, one in rounds[: query.limit]],
        query=query,
        following=rounds[query.limit - 1][0] if len(rounds) > query.limit else None,
        events=events,
        now=time.time(),
    )


@blueprint.get("/sessions/<session_id>/rounds/<round_id>")
def show_round(session_id: str, round_id: str) -> str:
    """One attempt at a round: where its time went, and what became of each client."""
    found = services().state.get(Round, round_id)
    if found is None or found.session_id != session_id:
        raise NotFound(f"no round {round_id!r} in session {session_id!r}", hint="the session's page lists its rounds")
    session, summary = sessions.get(services(), session_id), services().gists.summary(found)
    took = [(name, summary.seconds[name]) for name in PARTS if summary.seconds.get(name)]
    return render("session_round.html", session=session, parts=took, **{**_row(summary), "round": found})


def _metrics(model_id: str) -> dict[str, float]:
    """What the clients measured of a model, on average."""
    model = services().state.get(Model, model_id) if model_id else None
    return model.metrics if model else {}


def _best(metric: str, compared: list[Body]) -> float:
    """The best value of a metric in all of these sessions."""
    values: list[float] = [one["metrics"][metric]["best"] for one in compared if metric in one["metrics"]]
    return min(values) if comparison.is_less_better(metric) else max(values)


def _row(one: Summary) -> Body:
    return {
        "round": one,
        "took": sum(seconds for part, seconds in one.seconds.items() if part != "waiting"),
        "asked": one.asked,
        "answered": one.answered,
        "bytes": one.bytes,
        "metrics": one.metrics,
    }


def _failed(session: Session) -> Body | None:
    """Of a session that failed its last round, and some of the clients that didn't answer."""
    if session.state != "failed":
        return None
    for _, last in services().state.find(Round, where={"session_id": session.id}, limit=1):
        silent = [client for client in last.clients if client["state"] != ClientState.ANSWERED.value]
        return {
            "round": last,
            "clients": silent[:_NAMED],
            "more": max(0, len(silent) - _NAMED),
            "states": sorted({client["state"] for client in silent}),
        }
    return None
