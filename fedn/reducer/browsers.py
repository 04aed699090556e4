"""What tells a person's browser from a program, and how a browser shows who is at it.

A browser logs in with a token and is given a cookie with another one, derived from that and good for nothing but this.
It sends the cookie along whoever has it ask, so whatever changes something must also say what only a page of this
reducer can know.
"""

from __future__ import annotations

import hashlib
import hmac

from flask import Response, request

from fedn.errors import Forbidden
from fedn.reducer.services import Services

CSRF_HEADER = "X-CSRF-Token"

_CHANGES_NOTHING = ("GET", "HEAD")


def asks_for_page() -> bool:
    """Whether the request prefers a page over JSON, as browsers do. Programs that take anything get JSON."""
    accepted = request.accept_mimetypes
    return accepted["text/html"] > accepted["application/json"]


def cookie_token(services: Services) -> str:
    """The token in the request's cookie; empty without one.

    Raises:
        Forbidden: The request would change something and doesn't come from a page of this reducer.
    """
    token = request.cookies.get(_cookie_name(services), "")
    if token and request.method not in _CHANGES_NOTHING:
        given = request.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(given.encode(), csrf_token(token).encode()):
            raise Forbidden(
                f"the header {CSRF_HEADER} is not the one of this login",
                hint="load the page anew; a program gives its token as `Authorization: Bearer TOKEN`",
            )
    return token


def csrf_token(token: str) -> str:
    """What a page that was made for the bearer of this cookie's token knows, and no other site does."""
    return hashlib.sha256(f"csrf {token}".encode()).hexdigest()


def set_cookie(response: Response, services: Services, token: str, *, seconds: float) -> None:
    """Have the browser keep a token for so long, 0 drops it, and send it to this reducer alone; no script sees it."""
    name = _cookie_name(services)
    response.set_cookie(name, token, max_age=int(seconds), path="/", secure=True, httponly=True, samesite="Strict")


def refuse_foreign() -> None:
    """Forbidden, unless the browser says that this reducer's own page has it post, or it is no browser.

    Where a request comes from it says in headers that no page can forge: in `Sec-Fetch-Site` (W3C Fetch Metadata), or
    in `Origin` (RFC 6454) where it is too old for that.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    own = request.host_url.rstrip("/")
    if site in ("same-origin", "none") or (site is None and origin in (None, own)):
        return
    raise Forbidden(f"what was posted from {origin or 'an unknown place'} does not count: it is not a page of {own}")


def _cookie_name(services: Services) -> str:
    """Its own for each network, as browsers don't tell the ports of a host apart."""
    return f"__Host-fedn-{services.authority.fingerprint[:12]}"
