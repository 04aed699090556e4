"""Network: reducer, combiners and clients, as a graph, as tables, and on a map."""

from __future__ import annotations

from apiflask import APIBlueprint

from fedn.reducer import places
from fedn.reducer.context import services
from fedn.reducer.ui.render import render

blueprint = APIBlueprint("network_page", __name__, enable_openapi=False)

_MOST = 100
"""Rows of clients that are shown at once; all are there, and found by searching and sorting."""


@blueprint.get("/network")
def show() -> str:
    """Who is there, and how they are."""
    here = services()
    return render(
        "network.html",
        combiners=here.network.combiners(),
        clients=here.network.clients(),
        most=_MOST,
        places=places.of(here.network, here.places) if here.places is not None else None,
    )
