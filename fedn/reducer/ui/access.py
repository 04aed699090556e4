"""Access: the network's tokens."""

from __future__ import annotations

import time
from typing import Literal

from apiflask import APIBlueprint

from fedn.reducer.api import requests
from fedn.reducer.api.pages import page
from fedn.reducer.context import claims, services
from fedn.reducer.ui.lists import of_rows
from fedn.reducer.ui.render import render
from fedn.security.expiry import near_end
from fedn.stores.documents import Token

blueprint = APIBlueprint("access_page", __name__, enable_openapi=False)

_ROWS = 200

State = Literal["good", "expires soon", "expired", "revoked"]


@blueprint.get("/access")
@blueprint.input(of_rows(_ROWS, requests.Page), location="query", arg_name="query")
def show(query: requests.Page) -> str:
    """Tokens: created, listed, revoked."""
    now, found = time.time(), page(Token, query)
    return render(
        "access.html",
        tokens=[(token, state(token, now=now)) for token in found["items"]],
        query=query,
        following=found["next"],
        own=claims().origin,
        settings=services().settings,
    )


def state(token: Token, *, now: float) -> State:
    """What it is good for still, at `now` in seconds since the epoch."""
    if token.revoked_at is not None:
        return "revoked"
    if now >= token.expires_at:
        return "expired"
    return "expires soon" if near_end(token.created_at, token.expires_at, now=now) else "good"
