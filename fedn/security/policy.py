"""Who may do what: one table of RPCs and one of routes. What stands in neither is denied.

The tables speak of tokens. Clients of the 2021 kind give none on gRPC; a combiner that lets them in does so by itself,
for `LEGACY_RPCS` only and under the names that the reducer assigned to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from fedn.errors import Forbidden, Unauthenticated
from fedn.security.tokens import Claims, Role

Rule = frozenset[Role] | Literal["public"]
"""The roles that may, or `PUBLIC`."""

PUBLIC: Final = "public"
"""Whoever asks, even without a token."""

CLIENT = frozenset({Role.CLIENT})
COMBINER = frozenset({Role.COMBINER})
REDUCER = frozenset({Role.REDUCER})
OPERATOR = frozenset({Role.OPERATOR})
VIEWER = OPERATOR | {Role.VIEWER}
"""Who may look at what people look at."""

RPCS: Mapping[str, Rule] = {
    "/grpc.ModelService/Upload": CLIENT,
    "/grpc.ModelService/Download": CLIENT | REDUCER,
    "/grpc.Transfers/Held": CLIENT,
    "/grpc.Connector/SendHeartbeat": CLIENT,
    "/grpc.Connector/SendStatus": CLIENT,
    "/grpc.Connector/AllianceStatusStream": REDUCER,
    "/grpc.Connector/ListActiveClients": REDUCER,
    "/grpc.Connector/AcceptingClients": REDUCER,
    "/grpc.Connector/ReassignClient": REDUCER,
    "/grpc.Connector/ReconnectClient": REDUCER,
    "/grpc.Combiner/ModelUpdateRequestStream": CLIENT,
    "/grpc.Combiner/ModelValidationRequestStream": CLIENT,
    "/grpc.Combiner/SendModelUpdate": CLIENT,
    "/grpc.Combiner/SendModelValidation": CLIENT,
    "/grpc.Combiner/ModelUpdateStream": REDUCER,
    "/grpc.Combiner/ModelValidationStream": REDUCER,
    "/grpc.Combiner/SendModelUpdateRequest": REDUCER,
    "/grpc.Combiner/SendModelValidationRequest": REDUCER,
    "/grpc.Tasks/Stream": CLIENT,
    "/grpc.Tasks/SendFailure": CLIENT,
    "/grpc.Tasks/SendPrediction": CLIENT,
    "/grpc.Control/Start": REDUCER,
    "/grpc.Control/Stop": REDUCER,
    "/grpc.Control/Configure": REDUCER,
    "/grpc.Control/Report": REDUCER,
    "/grpc.Reducer/GetGlobalModel": CLIENT | REDUCER,
    "/grpc.Rounds/Run": REDUCER,
    "/grpc.Rounds/Watch": REDUCER,
    "/grpc.Rounds/SetPolicy": REDUCER,
    "/grpc.Rounds/Remove": REDUCER,
}
"""By full method name, as gRPC has it."""

LEGACY_RPCS = frozenset(
    {
        "/grpc.ModelService/Upload",
        "/grpc.ModelService/Download",
        "/grpc.Connector/SendHeartbeat",
        "/grpc.Connector/SendStatus",
        "/grpc.Combiner/ModelUpdateRequestStream",
        "/grpc.Combiner/ModelValidationRequestStream",
        "/grpc.Combiner/SendModelUpdate",
        "/grpc.Combiner/SendModelValidation",
    }
)
"""All that a client of 2021 calls."""

ROUTES: Mapping[str, Rule] = {
    "GET /api/v1/health": PUBLIC,
    "GET /api/v1/ready": PUBLIC,
    "GET /api/v1/ca": PUBLIC,
    "GET /api/v1/openapi.json": PUBLIC,
    "POST /api/v1/combiners/<name>/certificate": COMBINER,
    "PUT /api/v1/combiners/<name>": COMBINER,
    "GET /api/v1/combiners": VIEWER,
    "GET /api/v1/combiners/<name>": VIEWER,
    "DELETE /api/v1/combiners/<name>": OPERATOR,
    "POST /api/v1/combiners/<name>/drain": OPERATOR,
    "POST /api/v1/combiners/<name>/resume": OPERATOR,
    "POST /api/v1/assignments": CLIENT,
    "GET /api/v1/clients": VIEWER,
    "DELETE /api/v1/clients/<name>": OPERATOR,
    "POST /api/v1/clients/<name>/reassign": OPERATOR,
    "GET /api/v1/network": VIEWER,
    "GET /api/v1/places": VIEWER,
    "GET /api/v1/attention": VIEWER,
    "POST /api/v1/models": OPERATOR,
    "GET /api/v1/models": VIEWER,
    "GET /api/v1/models/<model_id>": VIEWER,
    "GET /api/v1/models/<model_id>/data": VIEWER | COMBINER | CLIENT,
    "GET /api/v1/models/<model_id>/lineage": VIEWER,
    "GET /api/v1/models/<model_id>/difference/<other_id>": VIEWER,
    "PUT /api/v1/tags/<name>": OPERATOR,
    "DELETE /api/v1/tags/<name>": OPERATOR,
    "GET /api/v1/tags": VIEWER,
    "POST /api/v1/packages": OPERATOR,
    "GET /api/v1/packages": VIEWER,
    "GET /api/v1/packages/<package_id>": VIEWER,
    "GET /api/v1/packages/<package_id>/data": VIEWER | CLIENT,
    "POST /api/v1/sessions": OPERATOR,
    "GET /api/v1/sessions": VIEWER,
    "GET /api/v1/sessions/compare": VIEWER,
    "GET /api/v1/sessions/<session_id>": VIEWER,
    "GET /api/v1/sessions/<session_id>/progress": VIEWER,
    "POST /api/v1/sessions/<session_id>/stop": OPERATOR,
    "GET /api/v1/sessions/<session_id>/watch": VIEWER,
    "GET /api/v1/rounds": VIEWER,
    "GET /api/v1/rounds/<round_id>": VIEWER,
    "GET /api/v1/validations": VIEWER,
    "GET /api/v1/metrics": VIEWER,
    "GET /api/v1/plots/<name>": VIEWER,
    "GET /api/v1/events": VIEWER,
    "GET /api/v1/events/watch": VIEWER,
    "GET /api/v1/events/export": VIEWER,
    "GET /api/v1/monitoring": VIEWER,
    "GET /api/v1/settings": VIEWER,
    "GET /api/v1/about": VIEWER,
    "POST /api/v1/login": PUBLIC,
    "POST /api/v1/logout": VIEWER,
    "POST /api/v1/tokens": OPERATOR,
    "GET /api/v1/tokens": OPERATOR,
    "POST /api/v1/tokens/<token_id>/revoke": OPERATOR,
    # As in 2021:
    "GET /assign": CLIENT,
    "GET /add": COMBINER,
    "GET /context": VIEWER | CLIENT,
    "POST /context": OPERATOR,
    "GET /checksum": VIEWER | CLIENT,
    "GET /config/download": OPERATOR,
    "GET /status": VIEWER,
    "GET /events": VIEWER,
    "GET /netgraph": VIEWER,
    "GET /metric_type": VIEWER,
    "POST /models": OPERATOR,
    "POST /control": OPERATOR,
    "POST /delete_model_trail": OPERATOR,
    "POST /drop_control": OPERATOR,
    # Pages:
    "GET /login": PUBLIC,
    "GET /": VIEWER,
    "GET /setup": VIEWER,
    "GET /sessions": VIEWER,
    "GET /sessions/compare": VIEWER,
    "GET /sessions/<session_id>": VIEWER,
    "GET /sessions/<session_id>/rounds/<round_id>": VIEWER,
    "GET /control": VIEWER,
    "GET /models": VIEWER,
    "GET /models/compare": VIEWER,
    "GET /models/<model_id>": VIEWER,
    "GET /dashboard": VIEWER,
    "GET /network": VIEWER,
    "GET /packages": VIEWER,
    "GET /audit": VIEWER,
    "GET /access": OPERATOR,
    "GET /settings": VIEWER,
    "GET /about": VIEWER,
    "GET /eula": VIEWER,
    "GET /static/plotly.js": VIEWER,
    "GET /static/<path:filename>": PUBLIC,
}
"""By method and Flask rule, such as `GET /api/v1/models/<model_id>`."""


def authorize(table: Mapping[str, Rule], key: str, claims: Claims | None) -> None:
    """Return if the bearer of `claims` may do `key` by `table`.

    Raises:
        Unauthenticated: It takes a token, and there is none.
        Forbidden: The token's role may not, or `key` is not in the table.
    """
    rule = table.get(key)
    if rule is None:
        raise Forbidden(f"{key} is open to nobody")
    if rule == PUBLIC:
        return
    allowed = " or ".join(sorted(rule))
    if claims is None:
        lets_in = "; clients of 2021 have none: they need legacy_clients set, here and at the reducer"
        hint = f"give one of the role {allowed}{lets_in if key in LEGACY_RPCS else ''}"
        raise Unauthenticated(f"{key} takes a token", hint=hint)
    if claims.role not in rule:
        raise Forbidden(f"{key} is not for the role {claims.role.value}", hint=f"use a token of the role {allowed}")
