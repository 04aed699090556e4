"""What the parts of the network take of their machines."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint

from fedn.reducer import monitoring
from fedn.reducer.api import answers, requests
from fedn.reducer.context import services

blueprint = APIBlueprint("monitoring", __name__, url_prefix="/api/v1")


@blueprint.get("/monitoring")
@blueprint.input(requests.SampleQuery, location="query", arg_name="query")
@blueprint.output(answers.SampleList)
def list_samples(query: requests.SampleQuery) -> dict[str, Any]:
    """Memory and processor of the reducer and its combiners over the last day, oldest first."""
    here = services()
    samples = monitoring.since(here.state, query.since or 0.0, limit=query.limit)
    return {"items": samples, "seconds": here.settings.monitor_seconds}
