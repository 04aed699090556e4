"""Set-up: the steps from an empty network to one that trains."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import request

from fedn.reducer import control, packages
from fedn.reducer.context import services
from fedn.reducer.ui.render import render
from fedn.stores.documents import Model, Session
from fedn.utils.helpers import helper_names

blueprint = APIBlueprint("setup_page", __name__, enable_openapi=False)

_CLIENTS = 20
"""Of those connected, how many are shown."""


@blueprint.get("/setup")
def show() -> str:
    """Package, seed model, clients, first session: the next one open, those that are done ticked.

    With `?package=none` the first step counts as left out, as it does once there is a model.
    """
    here = services()
    package, latest = packages.active(here), control.read(here.state).latest_model
    model = here.state.get(Model, latest) if latest else None
    session = next((found for _, found in here.state.find(Session, limit=1)), None)
    clients = here.network.clients()
    without_package = package is None and (model is not None or request.args.get("package") == "none")
    done = {
        "package": package is not None or without_package,
        "model": model is not None,
        "clients": bool(clients),
        "session": session is not None,
    }
    return render(
        "setup.html",
        done=done,
        following=next((name for name, is_done in done.items() if not is_done), ""),
        package=package,
        without_package=without_package,
        model=model,
        combiners=[one for one in here.network.combiners() if one.connected],
        clients=clients[:_CLIENTS],
        more_clients=max(0, len(clients) - _CLIENTS),
        session=session,
        helpers=helper_names(),
        max_bytes=here.settings.max_package_bytes,
        settings=here.settings,
    )
