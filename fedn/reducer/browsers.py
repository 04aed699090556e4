"""What tells a person's browser from a program, and a form on this reducer's own pages from one elsewhere."""

from __future__ import annotations

from flask import request

from fedn.errors import Forbidden


def asks_for_page() -> bool:
    """Whether the request prefers a page over JSON, as browsers do. Programs that take anything get JSON."""
    accepted = request.accept_mimetypes
    return accepted["text/html"] > accepted["application/json"]


def refuse_foreign() -> None:
    """Forbidden, unless the browser says that this reducer's own page has it post.

    A browser sends the password along whoever has it post. Where a request comes from it says in headers that no page
    can forge: in `Sec-Fetch-Site` (W3C Fetch Metadata), or in `Origin` (RFC 6454) where it is too old for that.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    own = request.host_url.rstrip("/")
    if site == "same-origin" or (site is None and origin == own):
        return
    raise Forbidden(
        f"a form that was posted from {origin or 'an unknown place'} does not count, as it is not a page of {own}",
        hint="use the form on that page; a program gives its token as `Authorization: Bearer TOKEN`",
    )
