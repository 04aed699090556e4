"""Plots as data, and the metrics that there are."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response, jsonify

from fedn.errors import NotReady
from fedn.reducer import exports, plots
from fedn.reducer.api import answers, requests
from fedn.reducer.api.pages import everything
from fedn.reducer.context import services
from fedn.reducer.openapi import PLOT
from fedn.reducer.plots import figures, metrics

blueprint = APIBlueprint("plots", __name__, url_prefix="/api/v1")


@blueprint.get("/metrics")
@blueprint.output(answers.MetricList)
def list_metrics() -> dict[str, Any]:
    """The names of the metrics that clients measured."""
    return everything(metrics.names(services().gists))


@blueprint.get("/plots/<name>")
@blueprint.input(requests.PlotQuery, location="query", arg_name="query")
@blueprint.doc(responses=PLOT)
def show_plot(name: str, query: requests.PlotQuery) -> Response:
    """A plot for Plotly, or its points as CSV.

    There are metric, convergence, round-times, session-times, client-times and machines.
    """
    wanted = plots.Query(metric=query.metric, session_ids=query.session_id, node=query.node)
    try:
        figure = plots.draw(services().gists, name, wanted)
    except NotReady as error:
        if not query.empty:
            raise
        figure = figures.nothing(error)
    if query.format == "csv":
        headings, rows = figures.rows(figure)
        return exports.attachment(exports.as_csv(rows, headings=headings), name=f"{name}.csv", mimetype="text/csv")
    return jsonify(figures.escaped(figure))
