"""Who may ask what: every request is held against the table of routes before anything else happens."""

from __future__ import annotations

from flask import g, request

from fedn.reducer.context import services
from fedn.security.policy import PUBLIC, ROUTES, authorize


def guard() -> None:
    """Let the request in, or raise Unauthenticated or Forbidden. Its claims are in `flask.g.claims` from then on."""
    g.claims = None
    rule = request.url_rule
    if rule is None:
        return  # there is nothing here to guard: the answer is 404 or 405
    method = "GET" if request.method == "HEAD" else request.method
    key = f"{method} {rule.rule}"
    token = _token(method)
    if token and ROUTES.get(key) != PUBLIC:
        g.claims = services().tokens.verify(token)
    authorize(ROUTES, key, g.claims)


def _token(method: str) -> str | None:
    """`Bearer T`, or `Token T` as clients of 2021 say it.

    People look at pages with a browser, which knows only passwords: for reading, the token may be one. Not for more,
    as a browser would send it along when another site has it post something here.
    """
    authorization = request.authorization
    if authorization is None:
        return None
    if authorization.type in ("bearer", "token"):
        return authorization.token
    if authorization.type == "basic" and method == "GET":
        return authorization.password
    return None
