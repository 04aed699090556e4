"""What the OpenAPI document says beyond what is derived from the routes: files, errors, and who may."""

from __future__ import annotations

from typing import Any

from apiflask import APIFlask

from fedn.reducer.problems import SCHEMA
from fedn.security.policy import PUBLIC, ROUTES

UPLOAD = "x-upload"
"""Extension of a route that takes a file: the name of the field, where it comes in a form."""

Responses = dict[int | str, dict[str, str | dict[str, dict[str, Any]]]]

_FILE = {"type": "string", "format": "binary"}

BYTES: Responses = {200: {"description": "The file", "content": {"application/octet-stream": {"schema": _FILE}}}}
"""Responses of a route that answers with a file."""

EVENTS: Responses = {
    200: {"description": "Server-sent events", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
}
"""Responses of a route that stays open and tells what happens."""


EXPORT: Responses = {
    200: {
        "description": "The file",
        "content": {"text/csv": {"schema": {"type": "string"}}, "application/json": {"schema": {"type": "array"}}},
    }
}
"""Responses of a route that answers with a list as a file."""

PLOT: Responses = {
    200: {
        "description": "The plot",
        "content": {"application/json": {"schema": {"type": "object"}}, "text/csv": {"schema": {"type": "string"}}},
    }
}
"""Responses of a route that answers with a plot."""


def describe(app: APIFlask) -> None:
    """Have `app` derive its OpenAPI document from its routes, completed."""
    app.config.update(
        AUTO_SERVERS=False,
        AUTO_404_RESPONSE=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        VALIDATION_ERROR_STATUS_CODE=400,
        AUTO_OPERATION_ID=True,
        DESCRIPTION="The interface of a FEDn reducer.",
    )
    app.security_schemes = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    app.spec_processor(_complete)


def _complete(spec: Any) -> Any:
    spec["components"]["schemas"]["Error"] = SCHEMA
    for path, operations in spec["paths"].items():
        rule = path.replace("{", "<").replace("}", ">")
        for method, operation in operations.items():
            if method != "parameters":
                _complete_operation(operation, ROUTES[f"{method.upper()} {rule}"])
    return spec


def _complete_operation(operation: dict[str, Any], roles: Any) -> None:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    operation["responses"]["default"] = {"description": "An error", "content": content}
    operation["security"] = [] if roles == PUBLIC else [{"token": []}]
    if roles != PUBLIC:
        operation["x-roles"] = sorted(role.value for role in roles)
    field = operation.pop(UPLOAD, "")
    if field:
        form = {"type": "object", "required": [field], "properties": {field: _FILE}}
        operation["requestBody"] = {
            "required": True,
            "content": {"application/octet-stream": {"schema": _FILE}, "multipart/form-data": {"schema": form}},
        }
