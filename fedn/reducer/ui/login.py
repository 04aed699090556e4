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
    return render("login.html", following=following if _is_here(following) else "/")


def _is_here(address: str) -> bool:
    """Whether a browser takes an address for one of this reducer."""
    # It drops tabs and ends of lines, wherever they are, before it looks: none may be in it.
    return address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
