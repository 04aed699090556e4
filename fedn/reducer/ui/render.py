"""How a page is made: its template, with what stands on every page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fedn.errors import Unavailable
from fedn.reducer import standing
from fedn.reducer.context import services
from fedn.reducer.services import Services
from fedn.security.tokens import Claims, Role
from fedn.version import __version__


def render(template: str, **values: Any) -> str:
    """A page for whoever asks; `values` are the template's own.

    Every template has `may_change` (whether it is an operator that looks), `network_id`, `state` (what the reducer
    does) and `step` (the step of set-up that is missing).
    """
    here, claims = services(), _claims()
    step, state = _standing(here) if claims else ("", "")
    return render_template(
        template,
        network_id=here.settings.network_id,
        version=__version__,
        role=claims.role.value if claims else "",
        may_change=claims is not None and claims.role is Role.OPERATOR,
        csrf=g.get("csrf", ""),
        step=step,
        state=state,
        legacy=here.settings.legacy_clients,
        **values,
    )


def wanted(*parts: str) -> bool:
    """Whether the page is to have one of these parts, named by their ids.

    A page that follows by itself says which ones it fetches anew, so that the others need not be made.
    """
    named = request.headers.get("Live-Parts", "").split()
    return not named or not set(parts).isdisjoint(named)


def once_set_up(page: Callable[..., str]) -> Callable[..., ResponseReturnValue]:
    """Lead to set-up instead, as long as a step of it is missing."""

    @wraps(page)
    def checked(**values: Any) -> ResponseReturnValue:
        return redirect("/setup", 303) if standing.missing_step(services()) else page(**values)

    return checked


def _standing(here: Services) -> tuple[str, str]:
    """The missing step, and what the reducer does; neither is known while the state store is away."""
    try:
        return standing.missing_step(here), standing.state(here)
    except Unavailable:
        return "", ""


def _claims() -> Claims | None:
    found: Claims | None = g.get("claims")
    return found
