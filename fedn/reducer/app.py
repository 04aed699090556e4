"""The reducer's web application."""

from __future__ import annotations

import logging

from apiflask import APIFlask
from flask import Response, g, request

from fedn.reducer import access, context, contract, openapi, problems
from fedn.reducer.api import events, health, models, network, packages, sessions, tokens
from fedn.reducer.encoding import Provider
from fedn.reducer.services import Services
from fedn.reducer.streams import Watchers
from fedn.reducer.ui import pages
from fedn.reducer.uploads import UploadRequest
from fedn.version import __version__

log = logging.getLogger(__name__)

_BODY_BYTES = 1 << 20
"""Longest body of a request, where its route doesn't set another limit."""

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def create_app(services: Services) -> APIFlask:
    """An application over these services: JSON under `/api/v1`, the routes of 2021, and pages."""
    app = APIFlask(
        __name__,
        title="FEDn",
        version=__version__,
        spec_path="/openapi.json",
        docs_path=None,
        openapi_blueprint_url_prefix="/api/v1",
        json_errors=False,
        static_folder="ui/static",
        template_folder="ui/templates",
    )
    app.config["MAX_CONTENT_LENGTH"] = _BODY_BYTES
    app.request_class = UploadRequest
    app.json = Provider(app)
    context.provide(app, services=services, watchers=Watchers(services.feed))
    openapi.describe(app)
    problems.register(app)
    app.before_request(access.guard)
    app.after_request(_finish)
    for noun in (health, network, models, packages, sessions, events, tokens, contract, pages):
        app.register_blueprint(noun.blueprint)
    return app


def _finish(response: Response) -> Response:
    response.headers.extend(_HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
    claims = g.get("claims")
    who = f"{claims.role.value} {claims.subject or claims.token_id}" if claims else request.remote_addr
    log.debug("%s %s %d for %s", request.method, request.path, response.status_code, who)
    return response
