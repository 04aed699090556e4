"""Who may do what at a combiner, and what its frozen services answer."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import numpy as np
import pytest
from byhand import Desk, Peer
from loopback import Federation
from waiting import within

from fedn.proto import fedn_pb2 as pb
from fedn.rpc.channel import bearer, dial_async
from fedn.security import policy
from fedn.security.tokens import Role, TokenIssuer, new_signing_key

pytestmark = pytest.mark.asyncio(loop_scope="module")

Join = Callable[..., Awaitable[list[Peer]]]
MODEL = {"a": np.zeros(3, np.float32)}


def rpcs() -> dict[str, tuple[bool, bool]]:
    """Every method of the wire → whether its requests and its responses are streams."""
    return {
        f"/{service.full_name}/{method.name}": (method.client_streaming, method.server_streaming)
        for service in pb.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }


async def call(network: Federation, method: str, token: str | None) -> grpc.aio.AioRpcError | None:
    """Call a method with an empty request; what it failed with."""
    ca_pem = network.services.authority.certificate_pem
    metadata: Any = bearer(token) if token is not None else ()
    requests_stream, responses_stream = rpcs()[method]
    async with dial_async("localhost", network.combiners["c0"].port, ca_pem=ca_pem) as channel:
        try:
            if requests_stream:
                await within(channel.stream_unary(method)(iter([b""]), metadata=metadata))
            elif responses_stream:
                stream = channel.unary_stream(method)(b"", metadata=metadata)
                await within(stream.read())
                stream.cancel()
            else:
                await within(channel.unary_unary(method)(b"", metadata=metadata))
        except grpc.aio.AioRpcError as error:
            return error
    return None


async def test_every_rpc_has_a_rule() -> None:
    assert set(rpcs()) == set(policy.RPCS)


@pytest.mark.parametrize("method", sorted(policy.RPCS))
async def test_nothing_is_told_without_a_token(network: Federation, method: str) -> None:
    error = await call(network, method, None)
    assert error is not None
    assert (error.code(), "takes a token" in (error.details() or "")) == (grpc.StatusCode.UNAUTHENTICATED, True)


@pytest.mark.parametrize("role", [Role.CLIENT, Role.REDUCER, Role.COMBINER, Role.OPERATOR, Role.VIEWER])
async def test_each_role_may_call_what_the_table_says(network: Federation, role: Role) -> None:
    for method, roles in policy.RPCS.items():
        if role is Role.REDUCER and role in roles:
            continue  # the tests of rounds call these
        error = await call(network, method, issue(network, role=role))
        denied = error is not None and error.code() is grpc.StatusCode.PERMISSION_DENIED
        if role not in roles:
            assert error is not None
            assert denied, method
            assert f"is not for the role {role.value}" in (error.details() or "")
        elif denied:  # it came as far as the method: the empty request bears another name than the token
            assert error is not None
            assert "the token is for 'ada'" in (error.details() or ""), method


def issue(network: Federation, *, key: bytes | None = None, **claims: Any) -> str:
    """A token for c0 of the client ada, or as `claims` say, signed by the network's key or another."""
    key = key or (network.folder / "reducer" / "signing.key").read_bytes()
    given = {
        "role": Role.CLIENT,
        "token_id": uuid.uuid4().hex,
        "now": time.time(),
        "lifetime": 60.0,
        "subject": "ada",
        "audience": "combiner c0",
        **claims,
    }
    return TokenIssuer(key, network.services.settings.network_id).issue(given.pop("role"), **given)


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (lambda network: issue(network, now=time.time() - 61), "the token expired on"),
        (lambda network: issue(network, key=new_signing_key()), "not issued by the network"),
        (lambda network: issue(network, audience="combiner c1"), "the token is for combiner c1, not for combiner c0"),
        (lambda network: issue(network, audience=""), "the token is for the reducer, not for combiner c0"),
        (lambda network: "rubbish", "malformed"),
        (lambda network: "", "malformed"),
    ],
    ids=["expired", "foreign", "of another combiner", "join token", "rubbish", "empty"],
)
async def test_a_token_that_is_no_good(network: Federation, token: Callable, reason: str) -> None:
    error = await call(network, "/grpc.Tasks/Stream", token(network))
    assert error is not None
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert reason in (error.details() or "")


async def test_one_client_can_not_speak_as_another(network: Federation, desk: Desk, join: Join) -> None:
    eve, bob = await join("eve", "bob")
    run = desk.run(MODEL, "bob")
    await bob.task()
    eve.sender = bob.sender
    attempts = (
        lambda: eve.send(run.id, MODEL),
        lambda: eve.validate(run.id, "{}"),
        lambda: eve.fail(run.id, "bob can't"),
        lambda: eve.upload(b"x", file_id="u"),
        lambda: eve.held("u"),
        lambda: eve.connect("instance of bob"),
        lambda: eve.connector.SendHeartbeat(pb.Heartbeat(sender=bob.sender), metadata=eve.metadata),
        lambda: eve.connector.SendStatus(pb.Status(sender=bob.sender), metadata=eve.metadata),
        lambda: eve.tasks.SendPrediction(pb.Prediction(sender=bob.sender), metadata=eve.metadata),
    )
    for attempt in attempts:
        with pytest.raises(grpc.aio.AioRpcError, match="the token is for 'eve', not for 'bob'") as caught:
            await attempt()
        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert (await bob.send(run.id, MODEL)).fate == pb.ACCEPTED
    await run.result()
    assert run.states() == {"bob": "ANSWERED"}


async def test_a_revoked_token_ends_the_stream_and_every_call(network: Federation, desk: Desk, join: Join) -> None:
    cut, other = await join("cut", "other")
    token = issue(network, subject="cut", token_id="derived", parent="the parent")
    async with network.peer("cut", token=token) as peer:
        await peer.connect()
        with pytest.raises(EOFError):
            await cut.next()  # the other stream of the same instance took its place
        await desk.rounds.SetPolicy(pb.CombinerPolicy(revoked_tokens=["the parent"]), metadata=desk.metadata)
        goodbye = (await peer.next()).goodbye
        assert (goodbye.reason, goodbye.reassign) == ("the token was revoked", False)
        with pytest.raises(grpc.aio.AioRpcError, match="the token was revoked"):
            await peer.connect()
        with pytest.raises(grpc.aio.AioRpcError, match="the token was revoked"):
            await peer.send("any", MODEL)
    assert (await other.held("u")).offset == 0
    await desk.rounds.SetPolicy(pb.CombinerPolicy(), metadata=desk.metadata)


async def test_a_client_whose_token_runs_out_is_sent_for_another(network: Federation) -> None:
    token = issue(network, now=time.time() - 590, lifetime=600.0)
    async with network.peer("ada", token=token) as peer:
        await peer.connect()
        goodbye = (await peer.next()).goodbye
        assert (goodbye.reason, goodbye.reassign) == ("its token expires", True)
