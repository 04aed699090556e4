"""The error tree on gRPC: one table, both ways.

The status tells any gRPC client what kind of error it is; the trailing metadata `fedn-code` and `fedn-hint` let ours
rebuild the very error.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast
from urllib.parse import quote, unquote

import grpc

from fedn.errors import FednError, Unavailable, from_code

CallError = grpc.RpcError
"""What a call raises when it fails, from threads as from asyncio; `from_rpc_error` says what it stands for."""

STATUS = {
    "internal": grpc.StatusCode.INTERNAL,
    "invalid_input": grpc.StatusCode.INVALID_ARGUMENT,
    "invalid_settings": grpc.StatusCode.INVALID_ARGUMENT,
    "invalid_model": grpc.StatusCode.INVALID_ARGUMENT,
    "invalid_update": grpc.StatusCode.INVALID_ARGUMENT,
    "invalid_package": grpc.StatusCode.INVALID_ARGUMENT,
    "too_large": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "unauthenticated": grpc.StatusCode.UNAUTHENTICATED,
    "forbidden": grpc.StatusCode.PERMISSION_DENIED,
    "not_found": grpc.StatusCode.NOT_FOUND,
    "conflict": grpc.StatusCode.ABORTED,
    "name_in_use": grpc.StatusCode.ALREADY_EXISTS,
    "session_running": grpc.StatusCode.FAILED_PRECONDITION,
    "stale_revision": grpc.StatusCode.ABORTED,
    "not_ready": grpc.StatusCode.FAILED_PRECONDITION,
    "unavailable": grpc.StatusCode.UNAVAILABLE,
    "wrong_service": grpc.StatusCode.UNIMPLEMENTED,
    "deadline_exceeded": grpc.StatusCode.DEADLINE_EXCEEDED,
    "corrupt": grpc.StatusCode.DATA_LOSS,
    "entry_point_failed": grpc.StatusCode.UNKNOWN,
    "training_failed": grpc.StatusCode.UNKNOWN,
}

_BY_STATUS = {
    grpc.StatusCode.INVALID_ARGUMENT: "invalid_input",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "too_large",
    grpc.StatusCode.UNAUTHENTICATED: "unauthenticated",
    grpc.StatusCode.PERMISSION_DENIED: "forbidden",
    grpc.StatusCode.NOT_FOUND: "not_found",
    grpc.StatusCode.UNAVAILABLE: "unavailable",
    grpc.StatusCode.CANCELLED: "unavailable",
    grpc.StatusCode.DEADLINE_EXCEEDED: "deadline_exceeded",
    grpc.StatusCode.UNIMPLEMENTED: "wrong_service",
}

_CUT_OFF = "Internal error from Core"
"""What grpc.aio says when the other side ended a stream that was being written to, and the reason came too late."""

Trailers = tuple[tuple[str, str], ...]


def to_status(error: FednError) -> tuple[grpc.StatusCode, str, Trailers]:
    """Status, details and trailing metadata (percent-encoded, as metadata is ASCII) that stand for `error`."""
    trailers = (("fedn-code", error.code), ("fedn-hint", quote(error.hint)))
    return STATUS[error.code], error.message, trailers


def from_rpc_error(error: grpc.RpcError, *, peer: str) -> FednError:
    """The error of the tree that `error` stands for. `peer` names the other side in messages of gRPC's own."""
    code, details = error.code(), error.details() or ""
    trailers = dict(cast("Iterable[tuple[str, str | bytes]]", error.trailing_metadata() or ()))
    if "fedn-code" in trailers:
        return from_code(str(trailers["fedn-code"]), details, hint=unquote(str(trailers.get("fedn-hint", ""))))
    if code is grpc.StatusCode.INTERNAL and details == _CUT_OFF:
        return Unavailable(f"{peer} ended the call while it was written to")
    if code is grpc.StatusCode.UNAVAILABLE:
        return Unavailable(f"{peer} can't be reached: {details}")
    return from_code(_BY_STATUS.get(code, "internal"), f"{peer} answered {code.name}: {details}")
