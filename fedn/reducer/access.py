"""Who may ask what: every request is held against the table of routes before anything else happens."""

from __future__ import annotations

from contextlib import suppress

from flask import g, request

from fedn.errors import InvalidInput, Unauthenticated
from fedn.reducer import browsers, incoming, outgoing
from fedn.reducer.context import services
from fedn.security.policy import PUBLIC, ROUTES, authorize


def guard() -> None:
    """Let the request in, or raise Unauthenticated or Forbidden. Its claims are in `flask.g.claims` from then on."""
    g.claims = None
    rule = request.url_rule
    if rule is None:  # there is nothing here to guard: the answer is 404 or 405
        with suppress(Unauthenticated):
            _identify()  # whoever is logged in gets the page that says so with its menu
        return
    method = "GET" if request.method == "HEAD" else request.method
    key = f"{method} {rule.rule}"
    if ROUTES.get(key) != PUBLIC:
        _identify()
    authorize(ROUTES, key, g.claims)
    if g.claims is not None:
        outgoing.know(request.environ)
    else:
        _limit_body()


def _limit_body() -> None:
    """Have no thread wait for what somebody sends who has shown no token: what is this short has come already."""
    if request.content_length is None and request.environ.get("wsgi.input_terminated"):
        raise InvalidInput("the body has to say its length", hint="send it with Content-Length, not in chunks")
    request.max_content_length = incoming.AHEAD_BYTES


def _identify() -> None:
    """By `Authorization: Bearer T`, or `Token T` as clients of 2021 say it; else by the cookie of a login."""
    here, authorization = services(), request.authorization
    if authorization is not None:
        if authorization.type not in ("bearer", "token") or not authorization.token:
            raise Unauthenticated(
                f"a token is given as `Authorization: Bearer TOKEN`, not by {authorization.type}",
                hint="browsers log in at /login",
            )
        g.claims = here.tokens.verify(authorization.token)
    elif token := browsers.cookie_token(here):
        g.claims = here.tokens.verify_login(token)
        g.csrf = browsers.csrf_token(token)
