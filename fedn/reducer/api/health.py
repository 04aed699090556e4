"""Whether the reducer lives, whether it can work, and the CA that vouches for it."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from fedn.reducer import control
from fedn.reducer.api import answers
from fedn.reducer.context import services
from fedn.reducer.openapi import Responses
from fedn.version import __version__

_PEM: Responses = {
    200: {"description": "The certificate", "content": {"application/x-pem-file": {"schema": {"type": "string"}}}}
}

blueprint = APIBlueprint("health", __name__, url_prefix="/api/v1")


@blueprint.get("/health")
@blueprint.output(answers.Health)
def health() -> dict[str, Any]:
    """Whether the process lives."""
    return {"status": "ok", "version": __version__}


@blueprint.get("/ready")
@blueprint.output(answers.Health)
def ready() -> dict[str, Any]:
    """Whether the stores can be reached; if not, the answer is an error of the status 503."""
    control.read(services().state)
    services().artifacts.size("fedn-models", "readiness")
    return {"status": "ready", "version": __version__}


@blueprint.get("/ca")
@blueprint.doc(responses=_PEM)
def ca() -> Response:
    """The certificate (PEM) of the network's CA.

    Whoever fetches it checks its fingerprint against that in the join string.
    """
    return Response(services().authority.certificate_pem, mimetype="application/x-pem-file")
