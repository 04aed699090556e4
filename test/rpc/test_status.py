"""Errors of the tree across a real gRPC call, and what gRPC itself reports."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator

import grpc
import pytest
import pytest_asyncio

from fedn import errors
from fedn.errors import FednError, Unavailable
from fedn.proto import fedn_pb2 as pb
from fedn.proto import fedn_pb2_grpc as rpc
from fedn.rpc.status import STATUS, from_rpc_error, to_status


def tree(root: type[FednError] = FednError) -> Iterator[type[FednError]]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


KINDS = {kind.code: kind for kind in tree() if kind.__module__ == errors.__name__}
MESSAGE, HINT = "größer als 100 % — «2»", "take a smaller one: ≤ 2\nor none"


class Failing(rpc.ReducerServicer):
    """Fails with the error, or else the status, that it is asked for by name."""

    async def GetGlobalModel(
        self,
        request: pb.GetGlobalModelRequest,
        context: grpc.aio.ServicerContext[pb.GetGlobalModelRequest, pb.GetGlobalModelResponse],
    ) -> pb.GetGlobalModelResponse:
        name = request.sender.name
        if name in KINDS:
            await context.abort(*to_status(KINDS[name](MESSAGE, hint=HINT)))
        await context.abort(grpc.StatusCode[name], "said gRPC")
        raise AssertionError("abort raises")


@pytest_asyncio.fixture
async def address() -> AsyncIterator[str]:
    server = grpc.aio.server()
    rpc.add_ReducerServicer_to_server(Failing(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(None)


async def error_of(address: str, name: str) -> FednError:
    async with grpc.aio.insecure_channel(address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await rpc.ReducerStub(channel).GetGlobalModel(
                pb.GetGlobalModelRequest(sender=pb.Client(name=name)), timeout=20
            )
    return from_rpc_error(caught.value, peer="the combiner")


def test_every_code_has_a_status_and_every_status_a_code() -> None:
    assert STATUS.keys() == KINDS.keys()
    assert grpc.StatusCode.OK not in STATUS.values()


@pytest.mark.parametrize("code", KINDS)
async def test_an_error_comes_back_as_the_same_class_with_message_and_hint(address: str, code: str) -> None:
    error = await error_of(address, code)
    assert (type(error), error.message, error.hint) == (KINDS[code], MESSAGE, HINT)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("INVALID_ARGUMENT", errors.InvalidInput),
        ("RESOURCE_EXHAUSTED", errors.TooLarge),
        ("UNAUTHENTICATED", errors.Unauthenticated),
        ("PERMISSION_DENIED", errors.Forbidden),
        ("NOT_FOUND", errors.NotFound),
        ("CANCELLED", errors.Unavailable),
        ("DEADLINE_EXCEEDED", errors.DeadlineExceeded),
        ("UNIMPLEMENTED", errors.WrongService),
        ("INTERNAL", FednError),
        ("UNKNOWN", FednError),
        ("OUT_OF_RANGE", FednError),
    ],
)
async def test_a_status_that_is_not_ours_becomes_the_nearest_error(
    address: str, status: str, kind: type[FednError]
) -> None:
    error = await error_of(address, status)
    assert type(error) is kind
    assert error.message == f"the combiner answered {status}: said gRPC"


async def test_what_retrying_may_help_with_is_retryable(address: str) -> None:
    for status in ("UNAVAILABLE", "CANCELLED", "DEADLINE_EXCEEDED"):
        assert (await error_of(address, status)).retryable
    assert not (await error_of(address, "PERMISSION_DENIED")).retryable


async def test_a_call_to_nobody_is_unavailable() -> None:
    with socket.socket() as held:  # bound and not listening: nobody answers there
        held.bind(("127.0.0.1", 0))
        error = await error_of(f"127.0.0.1:{held.getsockname()[1]}", "")
    assert type(error) is Unavailable
    assert error.message.startswith("the combiner can't be reached: ")


async def test_a_blocking_call_fails_alike(address: str) -> None:
    def call() -> FednError:
        with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError) as caught:
            rpc.ReducerStub(channel).GetGlobalModel(
                pb.GetGlobalModelRequest(sender=pb.Client(name="name_in_use")), timeout=20
            )
        return from_rpc_error(caught.value, peer="the combiner")

    error = await asyncio.to_thread(call)
    assert (type(error), error.message, error.hint) == (errors.NameInUse, MESSAGE, HINT)


def test_a_code_from_a_later_version_is_a_plain_error() -> None:
    error = errors.from_code("out_of_luck", "no luck", hint="wait")
    assert (type(error), error.message, error.hint) == (FednError, "no luck", "wait")
