"""What clients measured of the models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fedn.errors import InvalidInput, NotFound, NotReady
from fedn.reducer.plots.figures import Figure, axis, figure
from fedn.reducer.plots.gists import Gists, Measured
from fedn.stores.documents import Session
from fedn.stores.protocols import StateStore

VALUES = 20_000
"""Most values in the boxes of a figure; it then has fewer models."""

SESSIONS = 5
"""How many of the newest sessions are compared, where none are named."""

_POINTS = 2_000
"""Where there are more values, only outliers are drawn as points: each is an element of the page."""


def names(gists: Gists) -> list[str]:
    """The names of the metrics that clients measured of the newest models, sorted."""
    return _names(gists.measured.of(""))


def box_plot(gists: Gists, metric: str = "", session_id: str = "") -> Figure:
    """One metric over the model trail: a box for each model, oldest first, of what each client measured.

    Each box is a trace with the values in `y`, in the metric's own unit, and the clients' names in `text`.

    Args:
        metric: Its name; empty takes the first by name.
        session_id: Only the models of this session.

    Raises:
        NotReady: No client has measured anything yet.
        InvalidInput: No client has measured this of the newest models.
    """
    found = gists.measured.of(session_id)
    metric = chosen(metric, _names(found))
    boxes: list[dict[str, Any]] = []
    total = 0
    for one in found:
        measured = [
            (client, value)
            for client, value in zip(one.clients, one.values.get(metric, ()), strict=False)
            if value is not None
        ]
        total += len(measured)
        if boxes and total > VALUES:
            break  # a box of some of its clients would tell of another spread
        if measured:
            # With the model's id, as rounds count anew in each session and boxes of one name are drawn as one.
            name = f"round {one.number} · {one.model_id[:8]}"
            clients, values = [client for client, _ in measured], [value for _, value in measured]
            boxes.append({"type": "box", "name": name, "y": values, "text": clients})
    points = "all" if total <= _POINTS else "outliers"
    return figure(
        [{**box, "boxpoints": points} for box in reversed(boxes)],
        columns=("model", "client", metric),
        title={"text": metric},
        xaxis=axis("model", type="category"),
        yaxis=axis(metric),
        showlegend=False,
    )


def convergence(gists: Gists, metric: str = "", session_ids: Sequence[str] = ()) -> Figure:
    """One metric over the rounds: a line for each session, of the means over the clients, weighted by examples.

    Args:
        metric: Its name; empty takes the first by name.
        session_ids: Which sessions; empty takes the newest that measured something.

    Raises:
        NotReady: No model of these has been validated.
        InvalidInput: None of these measured this.
        NotFound: No such session.
    """
    found = chosen_sessions(gists.state, session_ids)
    lines = {session.id: gists.summaries.of(session.id)[::-1] for session in found}
    metric = chosen(metric, sorted({name for line in lines.values() for one in line for name in one.metrics}))
    traces = []
    for session_id, line in lines.items():
        points = [(one.number, one.metrics[metric]) for one in line if metric in one.metrics]
        if points:
            name = f"session {session_id[:8]}"
            x, y = [number for number, _ in points], [value for _, value in points]
            traces.append({"type": "scatter", "mode": "lines+markers", "name": name, "x": x, "y": y})
    return figure(
        traces,
        columns=("session", "round", metric),
        title={"text": metric},
        xaxis=axis("round"),
        yaxis=axis(metric),
        showlegend=True,
    )


def chosen_sessions(state: StateStore, session_ids: Sequence[str]) -> list[Session]:
    """Those of these ids, or the newest.

    Raises:
        NotFound: No such session.
    """
    if not session_ids:
        return [one for _, one in state.find(Session, limit=SESSIONS)]
    found = []
    for session_id in dict.fromkeys(session_ids):
        session = state.get(Session, session_id)
        if session is None:
            raise NotFound(f"no session {session_id!r}", hint="`fedn session list` shows them")
        found.append(session)
    return found


def chosen(metric: str, known: Sequence[str]) -> str:
    """The metric that is asked for, or the first.

    Raises:
        NotReady: There is none.
        InvalidInput: It is not among those known.
    """
    if not known:
        raise NotReady("no model has been validated", hint="start a session with validation; it is on by default")
    if metric and metric not in known:
        raise InvalidInput(f"no client has measured {metric!r}", hint=f"select one of {', '.join(known)}")
    return metric or known[0]


def _names(found: Iterable[Measured]) -> list[str]:
    return sorted({name for one in found for name in one.values})
