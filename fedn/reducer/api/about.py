"""What this reducer is."""

from __future__ import annotations

import platform
from typing import Any

from apiflask import APIBlueprint

from fedn.reducer.api import answers
from fedn.reducer.libraries import libraries
from fedn.version import __version__

blueprint = APIBlueprint("about", __name__, url_prefix="/api/v1")


@blueprint.get("/about")
@blueprint.output(answers.About)
def show_about() -> dict[str, Any]:
    """Version and licence of the reducer, of Python, and of the libraries that it runs on."""
    return {
        "version": __version__,
        "python": platform.python_version(),
        "licence": "Apache-2.0",
        "libraries": libraries(),
    }
