"""The combiner's gRPC server: one asyncio server in which every call passes one guard.

The guard authorises a call before its method sees it, by the default-deny table in `security/policy.py`, and turns the
errors of the tree into gRPC statuses after.
"""

from __future__ import annotations

import contextvars
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import grpc

from fedn.errors import ConfigError, FednError, Forbidden, Unauthenticated
from fedn.rpc.channel import SERVER_OPTIONS, target
from fedn.rpc.status import to_status
from fedn.security.tokens import Claims

log = logging.getLogger(__name__)

Server = grpc.aio.Server
Context = grpc.aio.ServicerContext[Any, Any]
"""What a method gets beside its request."""

Authorise = Callable[[str, str | None], Claims | None]
"""(full method name, token or None) → claims, or None for a call admitted without; raises what denies it."""

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

_claims: contextvars.ContextVar[Claims | None] = contextvars.ContextVar("claims", default=None)


def claims() -> Claims | None:
    """Who calls, inside a method; None for a client of the 2021 kind."""
    return _claims.get()


def require_name(name: str) -> str:
    """The caller's own name, which must be `name`.

    Raises:
        Forbidden: The caller's token is for another name.
    """
    caller = claims()
    if caller is not None and caller.subject != name:
        raise Forbidden(f"the token is for {caller.subject!r}, not for {name!r}")
    return name


class Guard(grpc.aio.ServerInterceptor):
    """Authorises each call, then runs its method with errors mapped."""

    def __init__(self, authorise: Authorise) -> None:
        self._authorise = authorise
        self._guarded: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        method = handler_call_details.method
        handler = await continuation(handler_call_details)
        if handler is None:
            return handler
        try:
            token = _bearer(handler_call_details.invocation_metadata)
            _claims.set(self._authorise(method, token))
        except (Unauthenticated, Forbidden) as error:
            log.warning("%s refused: %s", method, error)
            return _rebuild(handler, _denial(error, streams=handler.response_streaming))
        if method not in self._guarded:
            self._guarded[method] = _rebuild(handler, _mapped(handler))
        return self._guarded[method]


def _bearer(metadata: Any) -> str | None:
    for key, value in metadata or ():
        if key == "authorization" and isinstance(value, str) and value.startswith("Bearer "):
            return value.removeprefix("Bearer ")
    return None


def _rebuild(handler: Handler, behaviour: Callable[..., Any]) -> Handler:
    kinds = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }
    make = kinds[handler.request_streaming, handler.response_streaming]
    return make(behaviour, handler.request_deserializer, handler.response_serializer)


async def _abort(context: grpc.aio.ServicerContext[Any, Any], error: FednError) -> None:
    status, details, trailers = to_status(error)
    await context.abort(status, details, trailers)


def _mapped(handler: Handler) -> Callable[..., Any]:
    """The handler's method with errors of the tree turned into statuses."""
    behaviour: Any = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
    if handler.response_streaming:

        async def stream(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
            try:
                async for message in behaviour(request, context):
                    yield message
            except FednError as error:
                await _abort(context, error)

        return stream

    async def unary(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        try:
            return await behaviour(request, context)
        except FednError as error:
            await _abort(context, error)

    return unary


def _denial(error: FednError, *, streams: bool) -> Callable[..., Any]:
    async def deny(_: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        await _abort(context, error)

    async def deny_stream(_: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
        await _abort(context, error)
        yield  # an async generator by form

    return deny_stream if streams else deny


class ServerCertificate:
    """What one server shows in handshakes. `show`, from any thread, replaces it for new connections; others go on."""

    def __init__(self, *, key_pem: bytes, certificate_pem: bytes) -> None:
        first = grpc.ssl_server_certificate_configuration([(key_pem, certificate_pem)])
        self.credentials = grpc.dynamic_ssl_server_credentials(first, self._fetch)
        self._next: deque[grpc.ServerCertificateConfiguration] = deque(maxlen=1)

    def show(self, *, key_pem: bytes, certificate_pem: bytes) -> None:
        self._next.append(grpc.ssl_server_certificate_configuration([(key_pem, certificate_pem)]))

    def _fetch(self) -> Any:
        """gRPC asks before each handshake; None leaves all as it is."""
        try:
            return self._next.pop()
        except IndexError:
            return None


def listen(server: grpc.aio.Server, host: str, port: int, certificate: ServerCertificate) -> int:
    """Bind the server over TLS; port 0 takes any free one. The port it got.

    Raises:
        ConfigError: The address is in use or not this machine's.
    """
    address = target(host, port)
    try:
        bound = server.add_secure_port(address, certificate.credentials)
    except RuntimeError as error:
        bound = 0
        cause: Exception | None = error
    else:
        cause = None
    if not bound:
        raise ConfigError(
            f"can't listen on {address}: the port is in use or the address is not this machine's",
            hint="choose another port with --port, or stop what holds it",
        ) from cause
    return bound


def make_server(authorise: Authorise) -> grpc.aio.Server:
    """A server that admits nobody but whom `authorise` lets in."""
    return grpc.aio.server(interceptors=[Guard(authorise)], options=SERVER_OPTIONS)
