"""Settings and about: how this reducer is set, what it is, and on whose work it stands."""

from __future__ import annotations

import platform

from apiflask import APIBlueprint
from flask import redirect
from flask.typing import ResponseReturnValue

from fedn.reducer import shown
from fedn.reducer.context import services
from fedn.reducer.libraries import libraries
from fedn.reducer.ui.render import render

blueprint = APIBlueprint("about_pages", __name__, enable_openapi=False)


@blueprint.get("/settings")
def settings() -> str:
    """The settings that this reducer runs with, to be read only."""
    return render("settings.html", groups=shown.groups(services().settings))


@blueprint.get("/about")
def about() -> str:
    """Version, licence, and the licences of the libraries."""
    here = services()
    return render(
        "about.html",
        python=platform.python_version(),
        fingerprint=here.authority.fingerprint,
        libraries=libraries(),
    )


@blueprint.get("/eula")
def licence() -> ResponseReturnValue:
    """The address of 2021."""
    return redirect("/about", 303)
