"""Tags: names for models."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint

from fedn.reducer import tags
from fedn.reducer.api import answers, requests
from fedn.reducer.api.pages import page
from fedn.reducer.context import claims, services
from fedn.stores.documents import Tag

blueprint = APIBlueprint("tags", __name__, url_prefix="/api/v1")


@blueprint.put("/tags/<name>")
@blueprint.input(requests.TagRequest, arg_name="body")
@blueprint.output(answers.Tag)
def set_tag(name: str, body: requests.TagRequest) -> Tag:
    """Have a name point at a model, wherever it pointed before. To promote a model, set the tag `production`."""
    return tags.put(services(), name, model=body.model, by=claims().origin)


@blueprint.delete("/tags/<name>")
@blueprint.output({}, status_code=204)
def remove_tag(name: str) -> str:
    """Forget a tag. The model stays."""
    tags.remove(services(), name)
    return ""


@blueprint.get("/tags")
@blueprint.input(requests.Page, location="query", arg_name="query")
@blueprint.output(answers.TagList)
def list_tags(query: requests.Page) -> dict[str, Any]:
    """All tags, those that were made last first."""
    return page(Tag, query)
