"""Who may ask what: every request is held against the table of routes before anything else happens."""

from __future__ import annotations

from flask import g, request

from fedn.reducer import browsers
from fedn.reducer.context import services
from fedn.security.policy import PUBLIC, ROUTES, authorize

FORMS = frozenset({"POST /context", "POST /models", "POST /control"})
"""What the pages have forms for."""


def guard() -> None:
    """Let the request in, or raise Unauthenticated or Forbidden. Its claims are in `flask.g.claims` from then on."""
    g.claims = None
    rule = request.url_rule
    if rule is None:
        return  # there is nothing here to guard: the answer is 404 or 405
    method = "GET" if request.method == "HEAD" else request.method
    key = f"{method} {rule.rule}"
    token = _token(key)
    if token and ROUTES.get(key) != PUBLIC:
        g.claims = services().tokens.verify(token)
    authorize(ROUTES, key, g.claims)


def _token(key: str) -> str | None:
    """`Bearer T`, or `Token T` as clients of 2021 say it.

    People look at pages with a browser, which knows only passwords: for reading, the token may be one. For more it may
    only where a form on a page of ours was posted, as a browser sends it along when another site has it post something
    here, too.
    """
    authorization = request.authorization
    if authorization is None:
        return None
    if authorization.type in ("bearer", "token"):
        return authorization.token
    if authorization.type != "basic":
        return None
    if key in FORMS:
        browsers.refuse_foreign()
    return authorization.password if key in FORMS or key.startswith("GET ") else None
