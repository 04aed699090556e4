"""What clients measured of the models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from fedn.errors import InvalidInput, NotFound, NotReady
from fedn.reducer.plots.figures import Figure, axis, figure
from fedn.reducer.plots.gists import Gists
from fedn.stores.documents import Model, Session, Validation
from fedn.stores.protocols import StateStore

VALIDATIONS = 20_000
"""Most validations that a figure is made of: the newest."""

MODELS = 100
"""Most models that a figure shows: the newest."""

SESSIONS = 5
"""How many of the newest sessions are compared, where none are named."""

_POINTS = 2_000
"""Where there are more values, only outliers are drawn as points: each is an element of the page."""


def names(state: StateStore) -> list[str]:
    """The names of the metrics that clients measured, sorted."""
    return _known(_by_model(state))


def box_plot(state: StateStore, metric: str = "", session_id: str = "") -> Figure:
    """One metric over the model trail: a box for each model, oldest first, of what each client measured.

    Each box is a trace with the values in `y`, in the metric's own unit, and the clients' names in `text`.

    Args:
        metric: Its name; empty takes the first by name.
        session_id: Only the models of this session.

    Raises:
        NotReady: No client has measured anything yet.
        InvalidInput: No client has measured this.
    """
    boxes = _by_model(state, session_id)
    metric = chosen(metric, _known(boxes))
    shown = [
        (model_id, measured)
        for model_id, validations in boxes
        if (measured := [(one.client, one.metrics[metric]) for one in validations if metric in one.metrics])
    ][-MODELS:]
    points = "all" if sum(len(measured) for _, measured in shown) <= _POINTS else "outliers"
    return figure(
        [
            {
                "type": "box",
                "name": _name(state.get(Model, model_id), model_id),
                "y": [value for _, value in measured],
                "text": [client for client, _ in measured],
                "boxpoints": points,
            }
            for model_id, measured in shown
        ],
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
    lines = {session.id: gists.means.of(session.id)[::-1] for session in found}
    metric = chosen(metric, sorted({name for line in lines.values() for _, means in line for name in means}))
    traces = []
    for session_id, line in lines.items():
        points = [(number, means[metric]) for number, means in line if metric in means]
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


def _known(boxes: Sequence[tuple[str, list[Validation]]]) -> list[str]:
    return sorted({name for _, validations in boxes for one in validations for name in one.metrics})


def _by_model(state: StateStore, session_id: str = "") -> Sequence[tuple[str, list[Validation]]]:
    """The newest validations of each model, in the order of the trail: a model is validated before the next is made."""
    where = {"session_id": session_id} if session_id else None
    found = state.find(Validation, where=where, limit=VALIDATIONS + 1)
    oldest_first: Iterable[Validation] = (validation for _, validation in reversed(found))
    boxes = [(model_id, list(group)) for model_id, group in groupby(oldest_first, key=lambda one: one.model_id)]
    cut = len(found) > VALIDATIONS and len(boxes) > 1  # a box of some of its clients would tell of another spread
    return boxes[1:] if cut else boxes


def _name(model: Model | None, model_id: str) -> str:
    """Of a box; with the model's id, as rounds count anew in each session and boxes of one name are drawn as one."""
    short = model_id[:8]
    return f"round {model.number} · {short}" if model and model.number else short
