"""Models: the trail as a line of descent, one model, two compared."""

from __future__ import annotations

from collections import defaultdict
from itertools import islice

from apiflask import APIBlueprint
from pydantic import Field

from fedn.errors import Conflict
from fedn.reducer import models
from fedn.reducer.api import requests
from fedn.reducer.api.pages import page
from fedn.reducer.context import services
from fedn.reducer.ui.lists import of_rows
from fedn.reducer.ui.render import render
from fedn.stores.documents import Model, Tag

blueprint = APIBlueprint("model_pages", __name__, enable_openapi=False)

_ROWS = 25
_ANCESTORS = 20
"""Models of a line of descent that are shown at once."""
_LARGEST = 200
"""Arrays and updates that are listed; the JSON interface has them all."""
_OFFERED = 50
"""Newest models that may be chosen for a comparison, besides those with a tag."""


class CompareQuery(requests.Request):
    a: str = Field("", max_length=200)
    """Id or tag of a model."""
    b: str = Field("", max_length=200)
    """Id or tag of another."""


@blueprint.get("/models")
@blueprint.input(of_rows(_ROWS, requests.Page), location="query", arg_name="query")
def listing(query: requests.Page) -> str:
    """The trail, newest first, and a form for a seed model."""
    found = page(Model, query)
    return render("models.html", models=found["items"], following=found["next"], query=query, tags=_tags())


@blueprint.get("/models/compare")
@blueprint.input(CompareQuery, location="query", arg_name="query")
def compare(query: CompareQuery) -> str:
    """Two models side by side: their metrics, and how far apart each of their arrays lies."""
    here = services()
    chosen = [here.trail.get(query.a), here.trail.get(query.b)] if query.a and query.b else []
    found, problem = None, None
    if chosen:
        try:
            found = models.compare(here, *chosen)
        except Conflict as conflict:  # of another architecture: their metrics can be compared all the same
            problem = conflict
    arrays = sorted(found.arrays, key=lambda one: -one.distance.difference) if found else []
    return render(
        "models_compare.html",
        query=query,
        chosen=chosen,
        metrics=sorted({name for one in chosen for name in one.metrics}),
        total=found.total if found else None,
        arrays=arrays[:_LARGEST],
        count=len(arrays),
        problem=problem,
        tags=_tags(),
        offered=[model for _, model in here.state.find(Model, limit=_OFFERED)],
    )


@blueprint.get("/models/<model_id>")
def show(model_id: str) -> str:
    """One model, by its id or a tag: where it comes from, what it was made of, what clients found."""
    here = services()
    model = here.trail.get(model_id)
    line = list(islice(here.trail.lineage(model.id), _ANCESTORS + 1))
    return render(
        "model.html",
        model=model,
        line=line[:_ANCESTORS],
        more=len(line) > _ANCESTORS,
        children=[child for _, child in here.state.find(Model, where={"parent": model.id}, limit=_ROWS)],
        updates=sorted(model.updates, key=lambda update: -update["examples"])[:_LARGEST],
        examples=sum(update["examples"] for update in model.updates),
        tags=_tags(),
    )


def _tags() -> dict[str, list[str]]:
    """The names of the tags on each model."""
    found = defaultdict(list)
    for _, tag in services().state.find(Tag):
        found[tag.model_id].append(tag.id)
    return found
