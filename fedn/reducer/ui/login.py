"""The page where a person logs in."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import request

from fedn.reducer.ui.render import render

blueprint = APIBlueprint("login_page", __name__, enable_openapi=False)


@blueprint.get("/login")
def show() -> str:
    """A form that takes a token, and leads on to the page `next` of this reducer."""
    following = request.args.get("next", "/")
    is_here = following.startswith("/") and not following.startswith(("//", "/\\"))
    return render("login.html", following=following if is_here else "/")
