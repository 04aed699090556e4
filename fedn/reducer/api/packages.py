"""Compute packages."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from fedn.reducer import packages
from fedn.reducer.api import answers, requests
from fedn.reducer.api.pages import page
from fedn.reducer.context import services
from fedn.reducer.downloads import download
from fedn.reducer.openapi import BYTES, UPLOAD
from fedn.reducer.uploads import received
from fedn.stores.documents import Package

blueprint = APIBlueprint("packages", __name__, url_prefix="/api/v1")


@blueprint.post("/packages")
@blueprint.input(requests.PackageQuery, location="query", arg_name="query")
@blueprint.doc(extensions={UPLOAD: "file"})
@blueprint.output(answers.Package, status_code=201)
def upload_package(query: requests.PackageQuery) -> Package:
    """Upload the network's compute package: its archive as the body, or as the field `file` of a form.

    The package of a seeded federation can't be replaced. Uploading the same archive again is fine.
    """
    here = services()
    with received(form_field="file", limit=here.settings.max_package_bytes, setting="max_package_bytes") as file:
        return packages.upload(here, file, name=query.name, helper=query.helper)


@blueprint.get("/packages")
@blueprint.input(requests.Page, location="query", arg_name="query")
@blueprint.output(answers.PackageList)
def list_packages(query: requests.Page) -> dict[str, Any]:
    """All packages that were uploaded, newest first."""
    return page(Package, query)


@blueprint.get("/packages/<package_id>")
@blueprint.output(answers.Package)
def show_package(package_id: str) -> Package:
    """One package."""
    return packages.get(services(), package_id)


@blueprint.get("/packages/<package_id>/data")
@blueprint.doc(responses=BYTES)
def download_package(package_id: str) -> Response:
    """A package's archive."""
    here = services()
    package = packages.get(here, package_id)
    return download(packages.content(here, package), size=package.size, sha256=package.id, name=package.name)
