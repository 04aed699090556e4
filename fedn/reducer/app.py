"""The reducer's web application."""

from __future__ import annotations

import base64
import hashlib
import logging

from apiflask import APIFlask
from flask import Response, g, request

from fedn.reducer import access, compression, context, contract, openapi, problems
from fedn.reducer.api import (
    about,
    attention,
    events,
    health,
    logins,
    models,
    monitoring,
    network,
    packages,
    plots,
    sessions,
    settings,
    tags,
    tokens,
)
from fedn.reducer.encoding import Provider
from fedn.reducer.services import Services
from fedn.reducer.streams import Watchers
from fedn.reducer.ui import routes, words
from fedn.reducer.uploads import UploadRequest
from fedn.version import __version__

log = logging.getLogger(__name__)

_BODY_BYTES = 1 << 20
"""Longest body of a request, where its route doesn't set another limit."""

_EMPTY = base64.b64encode(hashlib.sha256().digest()).decode()
"""Digest of the empty style sheet that Plotly adds to a page, and fills by script."""

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
    f"style-src 'self' 'sha256-{_EMPTY}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
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
    for noun in (
        health,
        attention,
        network,
        models,
        packages,
        sessions,
        plots,
        events,
        tokens,
        tags,
        monitoring,
        settings,
        about,
        logins,
        contract,
    ):
        app.register_blueprint(noun.blueprint)
    for page in routes.BLUEPRINTS:
        app.register_blueprint(page)
    words.register(app)
    return app


def _finish(response: Response) -> Response:
    response.headers.extend(_HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
    claims = g.get("claims")
    who = f"{claims.role.value} {claims.subject or claims.token_id}" if claims else request.remote_addr
    log.debug("%s %s %d for %s", request.method, request.path, response.status_code, who)
    return compression.compressed(response)
