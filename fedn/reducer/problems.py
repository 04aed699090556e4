"""Errors on HTTP: one table of statuses and one format, whoever raised them.

{"error": {"code": "not_ready", "message": "what is wrong", "hint": "what to do about it"}}
"""

from __future__ import annotations

import logging
from urllib.parse import urlencode

from apiflask import APIFlask, HTTPError
from flask import Response, jsonify, make_response, redirect, request
from werkzeug.exceptions import HTTPException

from fedn.errors import FednError, from_code
from fedn.reducer import browsers
from fedn.reducer.context import services
from fedn.reducer.ui.render import render

log = logging.getLogger(__name__)

STATUS = {
    "internal": 500,
    "invalid_input": 400,
    "invalid_settings": 400,
    "invalid_model": 400,
    "invalid_update": 400,
    "invalid_package": 400,
    "too_large": 413,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "name_in_use": 409,
    "session_running": 409,
    "stale_revision": 409,
    "not_ready": 409,
    "unavailable": 503,
    "wrong_service": 502,
    "deadline_exceeded": 504,
    "corrupt": 500,
    "entry_point_failed": 500,
    "training_failed": 500,
}

SCHEMA = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "hint"],
            "properties": {
                "code": {"type": "string", "enum": sorted(STATUS), "description": "The kind of error; never changes."},
                "message": {"type": "string", "description": "What is wrong."},
                "hint": {"type": "string", "description": "What to do about it; may be empty."},
            },
        }
    },
}

_BY_STATUS = {401: "unauthenticated", 403: "forbidden", 404: "not_found", 413: "too_large", 503: "unavailable"}

_WORDS = {
    404: "there is no {path} here",
    405: "{path} takes no {method}",
    413: "the body of the request is too large",
    415: "the body of the request is of a type that {path} doesn't take",
    500: "the reducer failed; its log says how",
}


def register(app: APIFlask) -> None:
    """Answer every error of `app` in the one format."""
    app.register_error_handler(FednError, _answer)
    app.register_error_handler(HTTPException, _of_flask)
    app.register_error_handler(HTTPError, _of_apiflask)


def _answer(error: FednError, status: int = 0) -> Response:
    status = status or STATUS[error.code]
    if status == 500:
        log.error("%s %s: %s", request.method, request.path, error)
    if request.method == "GET" and not request.path.startswith("/api/") and browsers.asks_for_page():
        return _page(error, status)
    response = jsonify({"error": {"code": error.code, "message": error.message, "hint": error.hint}})
    response.status_code = status
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="FEDn"'
    return response


def _page(error: FednError, status: int) -> Response:
    """What a person sees: the page to log in at, or what is wrong."""
    if status == 401:
        return make_response(redirect(f"/login?{urlencode({'next': request.full_path.rstrip('?')})}", 303))
    return make_response(render("problem.html", error=error, away=services().patience.since(error)), status)


def _of_flask(error: HTTPException) -> Response:
    """What Flask and Werkzeug raise, from unknown paths to faults of ours."""
    status = error.code or 500
    known = _WORDS.get(status)
    words = known.format(path=request.path, method=request.method) if known else error.description or error.name
    response = _answer(_from_status(status, words), status)
    response.headers.extend({name: value for name, value in error.get_headers() if name == "Allow"})
    return response


def _of_apiflask(error: HTTPError) -> Response:
    """A body or query that doesn't fit the model of its route."""
    faults: dict[str, dict[str, list[str]]] = error.detail or {}
    told = [
        f"{field}: {fault}" if field != "_schema" else fault
        for fields in faults.values()
        for field, messages in fields.items()
        for fault in messages
    ]
    return _answer(_from_status(error.status_code, "; ".join(told) or str(error.message)), error.status_code)


def _from_status(status: int, message: str) -> FednError:
    return from_code(_BY_STATUS.get(status, "invalid_input" if status < 500 else "internal"), message)
