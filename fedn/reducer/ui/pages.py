"""The status page: what goes on, for a person."""

from __future__ import annotations

import time

from apiflask import APIBlueprint
from flask import render_template

from fedn.reducer import control, packages
from fedn.reducer.context import services
from fedn.stores.documents import Event, Model, Session

blueprint = APIBlueprint("pages", __name__, enable_openapi=False)

_ROWS = 20


@blueprint.get("/")
@blueprint.get("/control")
@blueprint.get("/models")
@blueprint.get("/dashboard")
@blueprint.get("/network")
@blueprint.get("/eula")
def status() -> str:
    """Network, session, model trail and events, on one page."""
    here = services()
    return render_template(
        "status.html",
        network_id=here.settings.network_id,
        state=control.state(control.read(here.state)),
        legacy=here.settings.legacy_clients,
        package=packages.active(here),
        combiners=here.network.combiners(),
        clients=here.network.clients(),
        sessions=[session for _, session in here.state.find(Session, limit=_ROWS)],
        models=[model for _, model in here.state.find(Model, limit=_ROWS)],
        events=[event for _, event in here.state.find(Event, limit=_ROWS)],
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
