"""Dashboard: metrics, times and machines as plots."""

from __future__ import annotations

from urllib.parse import urlencode

from apiflask import APIBlueprint
from pydantic import Field

from fedn.reducer import sessions
from fedn.reducer.api.requests import Request
from fedn.reducer.context import services
from fedn.reducer.ui.render import once_set_up, render
from fedn.stores.documents import Session, Validation

blueprint = APIBlueprint("dashboard_page", __name__, enable_openapi=False)

_OFFERED = 50
"""Newest sessions that can be chosen."""
_READ = 500
"""Newest validations that the metrics to choose from are read of."""


class Choice(Request):
    session_id: str = Field("", max_length=200)
    """Only this session; empty takes all, and the newest where a plot is of one."""
    metric: str = Field("", max_length=200)
    """Empty takes the first by name."""


@blueprint.get("/dashboard")
@blueprint.input(Choice, location="query", arg_name="choice")
@once_set_up
def show(choice: Choice) -> str:
    """The plots, of which each is drawn from what `/api/v1/plots` answers."""
    state = services().state
    offered = [session for _, session in state.find(Session, limit=_OFFERED)]
    if choice.session_id and all(one.id != choice.session_id for one in offered):
        offered.append(sessions.get(services(), choice.session_id))
    return render(
        "dashboard.html",
        choice=choice,
        sessions=offered,
        metrics=_metrics(choice),
        query=_query(session_id=choice.session_id, metric=choice.metric),
        of_session=_query(session_id=choice.session_id),
    )


def _metrics(choice: Choice) -> list[str]:
    """The names of what clients measured of late, and of what is shown."""
    where = {"session_id": choice.session_id} if choice.session_id else None
    newest = services().state.find(Validation, where=where, limit=_READ)
    return sorted({name for _, one in newest for name in one.metrics} | {choice.metric} - {""})


def _query(**values: str) -> str:
    given = urlencode({name: value for name, value in values.items() if value})
    return f"?{given}" if given else ""
