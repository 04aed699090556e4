"""Network: reducer, combiners and clients, as a graph, as tables, and on a map."""

from __future__ import annotations

from apiflask import APIBlueprint

from fedn.errors import Unavailable
from fedn.reducer import control, places
from fedn.reducer.context import services
from fedn.reducer.services import Services
from fedn.reducer.ui.render import render

blueprint = APIBlueprint("network_page", __name__, enable_openapi=False)

_MOST = 100
"""Rows of clients that are shown at once; all are there, and found by searching and sorting."""


@blueprint.get("/network")
def show() -> str:
    """Who is there, and how they are."""
    here = services()
    session_id = _session(here)
    phase, _ = here.running.round(session_id) or ("", {})
    return render(
        "network.html",
        combiners=here.network.combiners(),
        clients=here.network.clients(),
        standings=here.running.standings(session_id),
        working="validating" if phase == "validating" else "training",
        most=_MOST,
        places=places.of(here.network, here.places) if here.places is not None else None,
    )


def _session(here: Services) -> str:
    """The id of the session that runs; empty where none does, or the state store is away."""
    try:
        return control.read(here.state).session_id
    except Unavailable:
        return ""
