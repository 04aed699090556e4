"""The pages, for a person: what goes on, and forms for the three steps from an empty network to one that trains.

Pages say what is there and nothing else: no scripts, no state of their own. What a form posts is answered by the routes
of 2021 (`fedn.reducer.contract`), which come back here by `fedn.reducer.ui.forms`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from apiflask import APIBlueprint
from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from fedn.errors import FednError
from fedn.reducer import packages, standing
from fedn.reducer.context import claims, services
from fedn.security.tokens import Role
from fedn.stores.documents import Event, Model, Session
from fedn.utils.helpers import helper_names

blueprint = APIBlueprint("pages", __name__, enable_openapi=False)

_ROWS = 20

_STEPS = {"package": "contract.context", "model": "pages.models"}
"""The page of each step of set-up."""


def _once_set_up(page: Callable[[], str]) -> Callable[[], ResponseReturnValue]:
    """Lead to the missing step of set-up instead, as long as there is one.

    Not so for the network, which is where its combiners are seen to have come before anything is set; nor for the
    licence.
    """

    @wraps(page)
    def checked() -> ResponseReturnValue:
        step = standing.missing_step(services())
        return redirect(url_for(_STEPS[step]), 303) if step else page()

    return checked


@blueprint.get("/")
@blueprint.get("/dashboard")
@_once_set_up
def status() -> str:
    """Network, sessions, model trail and events, on one page. Leads to the missing step of set-up."""
    return network()


@blueprint.get("/network")
def network() -> str:
    """Network, sessions, model trail and events, on one page."""
    here = services()
    return _render(
        "status.html",
        combiners=here.network.combiners(),
        clients=here.network.clients(),
        sessions=[session for _, session in here.state.find(Session, limit=_ROWS)],
        models=[model for _, model in here.state.find(Model, limit=_ROWS)],
        events=[event for _, event in here.state.find(Event, limit=_ROWS)],
    )


@blueprint.get("/models")
def models(error: FednError | None = None) -> str:
    """The model trail, and a form for a seed model."""
    found = services().state.find(Model, limit=_ROWS)
    return _render("models.html", error=error, models=[model for _, model in found])


@blueprint.get("/control")
@_once_set_up
def control() -> str:
    """The sessions, and a form to start rounds. Leads to the missing step of set-up."""
    return rounds()


@blueprint.get("/eula")
def licence() -> str:
    """The licence."""
    return _render("licence.html")


def rounds(error: FednError | None = None) -> str:
    """The page of sessions, the form with what was posted."""
    found = services().state.find(Session, limit=_ROWS)
    given: Mapping[str, str] = request.form if error else {}
    return _render("control.html", error=error, given=given, sessions=[session for _, session in found])


def package(error: FednError | None = None) -> str:
    """The page of the compute package, with a form to upload one."""
    return _render("context.html", error=error, helpers=helper_names())


def _render(template: str, **values: Any) -> str:
    here = services()
    step = standing.missing_step(here)
    return render_template(
        template,
        network_id=here.settings.network_id,
        state=standing.state(here),
        legacy=here.settings.legacy_clients,
        package=packages.active(here),
        next_step=_STEPS.get(step, ""),
        may_change=claims().role is Role.OPERATOR,
        **values,
    )


@blueprint.app_template_filter("instant")
def instant(seconds: float) -> str:
    """An instant as people write it, in UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))


@blueprint.app_template_filter("bytes")
def size(count: float) -> str:
    """A number of bytes as people write it."""
    if count < 1024:
        return f"{count:.0f} B"
    power = min(3, (int(count).bit_length() - 1) // 10)
    return f"{count / 1024**power:.1f} {('KiB', 'MiB', 'GiB')[power - 1]}"
