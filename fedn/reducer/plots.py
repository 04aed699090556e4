"""What clients found of the models, as figures for Plotly.js: plain data, drawn by whoever asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from fedn.errors import InvalidInput, NotReady
from fedn.stores.documents import Model, Validation
from fedn.stores.protocols import StateStore

Figure = dict[str, Any]
"""`{"data": [traces], "layout": {…}}`, as `Plotly.newPlot` takes it."""

VALIDATIONS = 20_000
"""Most validations that a figure is made of: the newest."""

MODELS = 100
"""Most models that a figure shows: the newest."""

_POINTS = 2_000
"""Where there are more values, only outliers are drawn as points: each is an element of the page."""


def box_plot(state: StateStore, metric: str = "") -> Figure:
    """One metric over the model trail: a box for each model, oldest first, of what each client measured.

    Each box is a trace with the values in `y`, in the metric's own unit, and the clients' names in `text`.

    Args:
        metric: Its name; empty takes the first by name.

    Raises:
        NotReady: No client has measured anything yet.
        InvalidInput: No client has measured this.
    """
    boxes = _by_model(state)
    known = sorted({name for _, validations in boxes for one in validations for name in one.metrics})
    if not known:
        raise NotReady("no model has been validated", hint="start a session with validation; it is on by default")
    metric = metric or known[0]
    if metric not in known:
        raise InvalidInput(f"no client has measured {metric!r}", hint=f"select one of {', '.join(known)}")
    shown = [
        (model_id, measured)
        for model_id, validations in boxes
        if (measured := [(one.client, one.metrics[metric]) for one in validations if metric in one.metrics])
    ][-MODELS:]
    points = "all" if sum(len(measured) for _, measured in shown) <= _POINTS else "outliers"
    return {
        "data": [
            {
                "type": "box",
                "name": _name(state.get(Model, model_id), model_id),
                "y": [value for _, value in measured],
                "text": [client for client, _ in measured],
                "boxpoints": points,
            }
            for model_id, measured in shown
        ],
        "layout": {
            "title": {"text": metric},
            "xaxis": {"title": {"text": "model"}, "type": "category"},
            "yaxis": {"title": {"text": metric}},
            "showlegend": False,
        },
    }


def _by_model(state: StateStore) -> Sequence[tuple[str, list[Validation]]]:
    """The newest validations of each model, in the order of the trail: a model is validated before the next is made."""
    found = state.find(Validation, limit=VALIDATIONS + 1)
    oldest_first: Iterable[Validation] = (validation for _, validation in reversed(found))
    boxes = [(model_id, list(group)) for model_id, group in groupby(oldest_first, key=lambda one: one.model_id)]
    cut = len(found) > VALIDATIONS and len(boxes) > 1  # a box of some of its clients would tell of another spread
    return boxes[1:] if cut else boxes


def _name(model: Model | None, model_id: str) -> str:
    """Of a box; with the model's id, as rounds count anew in each session and boxes of one name are drawn as one."""
    short = model_id[:8]
    return f"round {model.number} · {short}" if model and model.number else short
