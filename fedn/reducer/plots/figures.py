"""Figures for Plotly.js: plain data without colours and fonts, drawn by whoever asks, or read as rows of a table."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from typing import Any

from fedn.errors import NotReady

Figure = dict[str, Any]
"""`{"data": [traces], "layout": {…}}`, as `Plotly.newPlot` takes it."""

Cell = str | float

ROUNDS = 1_000
"""Most rounds that a figure shows: the newest."""

MODELS = 100
"""Most models whose clients' values a figure shows: the newest."""

ENTRIES = 200_000
"""Most clients' values that a figure is made of. With 100 clients that is all the rounds it shows."""

_MAY_HOLD_TEXT = (str, dict, list)


def figure(data: Sequence[dict[str, Any]], *, columns: Sequence[str], **layout: Any) -> Figure:
    """A figure of these traces.

    Args:
        columns: Headings of its table: of a trace's name, of a point's place, and of its value.
        layout: Further parts of the layout.
    """
    return {"data": list(data), "layout": {**layout, "meta": {"columns": list(columns)}}}


def nothing(error: NotReady) -> Figure:
    """A figure without traces, which says in `layout.meta.empty` why, and what to do."""
    return {"data": [], "layout": {"meta": {"columns": [], "empty": {"message": error.message, "hint": error.hint}}}}


def axis(title: str, **options: Any) -> dict[str, Any]:
    """An axis with its title, which has the unit."""
    return {"title": {"text": title}, **options}


def rows(drawn: Figure) -> tuple[list[str], Iterator[Sequence[Cell]]]:
    """The headings and rows of a figure's table: a row for each point. What is no number is empty."""

    def each() -> Iterator[Sequence[Cell]]:
        for trace in drawn["data"]:
            for place, value in zip(trace["text"] if "text" in trace else trace["x"], trace["y"], strict=True):
                yield trace["name"], place, "" if math.isnan(value) else value

    return drawn["layout"]["meta"]["columns"], each()


def escaped(drawn: Any) -> Any:
    """The figure with its texts written so that Plotly, which takes texts for markup, shows them as they are."""
    if isinstance(drawn, str):
        return html.escape(drawn, quote=False)
    if isinstance(drawn, dict):
        return {key: escaped(value) for key, value in drawn.items()}
    if isinstance(drawn, list) and drawn and isinstance(drawn[0], _MAY_HOLD_TEXT):
        return [escaped(value) for value in drawn]
    return drawn
