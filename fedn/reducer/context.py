"""What a request has at hand: the reducer's services, the watchers, and who asks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

from flask import Flask, current_app, g, has_request_context

from fedn.reducer.services import Services
from fedn.reducer.streams import Watchers
from fedn.security.tokens import Claims


def provide(app: Flask, *, services: Services, watchers: Watchers) -> None:
    """Make both available to the requests of `app`."""
    app.extensions["fedn.services"] = services
    app.extensions["fedn.watchers"] = watchers


def services() -> Services:
    return cast(Services, current_app.extensions["fedn.services"])


def watchers() -> Watchers:
    return cast(Watchers, current_app.extensions["fedn.watchers"])


def may_still() -> Callable[[], bool]:
    """Says from now on whether the token of this request is still good."""
    return partial(services().tokens.hold, claims())


def login() -> str:
    """Id of the browser's login that asks; empty for a program."""
    return claims().token_id if g.get("csrf") else ""


def asker() -> str:
    """Id of the token that was given to whoever asks; empty outside of requests, and on routes that take none."""
    found: Claims | None = g.get("claims") if has_request_context() else None
    return found.origin if found else ""


def claims() -> Claims:
    """Of the token that the request came with; only on routes that take one."""
    return cast(Claims, g.claims)
