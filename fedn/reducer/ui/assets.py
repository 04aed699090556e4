"""The plotting library, from its own package: networks may be closed, so nothing is fetched from elsewhere."""

from __future__ import annotations

import gzip
from functools import lru_cache
from importlib.resources import files

from apiflask import APIBlueprint
from flask import Response

blueprint = APIBlueprint("assets", __name__, enable_openapi=False)

_DAY = 86_400


@blueprint.get("/static/plotly.js")
def plotly() -> Response:
    """Plotly.js, compressed: that leaves a third of its 5 MB."""
    response = Response(_plotly(), mimetype="text/javascript")
    response.headers["Content-Encoding"] = "gzip"
    response.cache_control.private = True
    response.cache_control.max_age = _DAY
    return response


@lru_cache(maxsize=1)
def _plotly() -> bytes:
    return gzip.compress((files("plotly") / "package_data" / "plotly.min.js").read_bytes(), mtime=0)
