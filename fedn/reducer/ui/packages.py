"""Packages: the code that clients run."""

from __future__ import annotations

from apiflask import APIBlueprint

from fedn.errors import Conflict
from fedn.reducer import control, packages
from fedn.reducer.api import requests
from fedn.reducer.api.pages import page
from fedn.reducer.context import services
from fedn.reducer.services import Services
from fedn.reducer.ui.lists import of_rows
from fedn.reducer.ui.render import render
from fedn.stores.documents import Package
from fedn.utils.helpers import helper_names

blueprint = APIBlueprint("package_page", __name__, enable_openapi=False)

ListQuery = of_rows(50, requests.Page)


@blueprint.get("/packages")
@blueprint.input(ListQuery, location="query", arg_name="query")
def listing(query: requests.Page) -> str:
    """The network's package, those before it, and a form to upload one."""
    return _page(query)


def show() -> str:
    """The same, at `/context`, where programs get the package."""
    return _page(ListQuery.model_validate({}))


def _page(query: requests.Page) -> str:
    here, found = services(), page(Package, query)
    return render(
        "packages.html",
        active=packages.active(here),
        packages=found["items"],
        query=query,
        following=found["next"],
        obstacle=_obstacle(here),
        helpers=helper_names(),
        max_bytes=here.settings.max_package_bytes,
    )


def _obstacle(here: Services) -> Conflict | None:
    """Why no other package may be uploaded now; None if one may."""
    try:
        packages.refuse_replacement(control.read(here.state))
    except Conflict as obstacle:
        return obstacle
    return None
