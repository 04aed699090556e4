"""The model trail."""

from __future__ import annotations

from dataclasses import asdict
from itertools import islice
from typing import Any

from apiflask import APIBlueprint
from flask import Response

from fedn.core.difference import Distance
from fedn.reducer import models
from fedn.reducer.api import answers, requests
from fedn.reducer.api.pages import page
from fedn.reducer.context import services
from fedn.reducer.downloads import download
from fedn.reducer.openapi import BYTES, UPLOAD
from fedn.reducer.uploads import received
from fedn.stores.documents import Model

blueprint = APIBlueprint("models", __name__, url_prefix="/api/v1")


@blueprint.post("/models")
@blueprint.doc(extensions={UPLOAD: "seed"})
@blueprint.output(answers.Model, status_code=201)
def seed_model() -> Model:
    """Seed the trail with a model: its file as the body, or as the field `seed` of a form."""
    here = services()
    with received(form_field="seed", limit=here.settings.max_model_bytes, setting="max_model_bytes") as file:
        return models.seed(here, file)


@blueprint.get("/models")
@blueprint.input(requests.Page, location="query", arg_name="query")
@blueprint.output(answers.ModelList)
def list_models(query: requests.Page) -> dict[str, Any]:
    """The trail, newest first. The updates that a model was made from come with the model itself."""
    return page(Model, query)


@blueprint.get("/models/<model_id>")
@blueprint.output(answers.Model)
def show_model(model_id: str) -> Model:
    """One model, by its id or a tag, and the updates that it was made from."""
    return services().trail.get(model_id)


@blueprint.get("/models/<model_id>/data")
@blueprint.doc(responses=BYTES)
def download_model(model_id: str) -> Response:
    """A model's file, by its id or a tag."""
    trail = services().trail
    model = trail.get(model_id)
    return download(trail.open(model.id), size=model.size, sha256=model.sha256)


@blueprint.get("/models/<model_id>/lineage")
@blueprint.input(requests.LineageQuery, location="query", arg_name="query")
@blueprint.output(answers.Lineage)
def show_lineage(model_id: str, query: requests.LineageQuery) -> dict[str, Any]:
    """A model, by its id or a tag, its parent and so on, down to the seed."""
    chain = list(islice(services().trail.lineage(model_id), query.limit))
    return {"items": chain, "next": chain[-1].parent or None}


@blueprint.get("/models/<model_id>/difference/<other_id>")
@blueprint.output(answers.ModelDifference)
def compare_models(model_id: str, other_id: str) -> dict[str, Any]:
    """How far two models, by their ids or tags, lie apart: norms, array by array, and the metrics of both."""
    here = services()
    a, b = here.trail.get(model_id), here.trail.get(other_id)
    found = models.compare(here, a, b)
    arrays = [
        {"name": one.name, "shape": one.shape, "dtype": one.dtype, **_norms(one.distance)} for one in found.arrays
    ]
    return {"a": a, "b": b, "arrays": arrays, "total": _norms(found.total)}


def _norms(distance: Distance) -> dict[str, float | None]:
    return {**asdict(distance), "relative": distance.relative}
