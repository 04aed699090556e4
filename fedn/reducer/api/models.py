"""The model trail."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response

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
    """One model, and the updates that it was made from."""
    return services().trail.get(model_id)


@blueprint.get("/models/<model_id>/data")
@blueprint.doc(responses=BYTES)
def download_model(model_id: str) -> Response:
    """A model's file."""
    trail = services().trail
    model = trail.get(model_id)
    return download(trail.open(model_id), size=model.size, sha256=model.sha256)
