"""Who is let in, and what those are told who are not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import grpc
import numpy as np
import pytest
from byhand import Peer
from legacy.network import Network
from waiting import within

from fedn.proto import fedn_pb2 as pb

PACKAGE = {
    "fedn.yaml": "entry_points: {train: {command: python3 train.py}}",
    "train.py": "import shutil, sys; shutil.copyfile(*sys.argv[1:])",
}

Start = Callable[..., AbstractAsyncContextManager[Network]]


@pytest.fixture
def start(tmp_path: Path, stubs: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Starts a reducer and a combiner, each of which lets in clients of 2021 or doesn't."""

    @asynccontextmanager
    async def started(*, reducer: bool, combiner: bool) -> AsyncIterator[Network]:
        monkeypatch.setenv("FEDN_LEGACY_CLIENTS", str(reducer).lower())
        async with Network(tmp_path, stubs) as network:
            await network.combiner("c0", "--legacy-clients", str(combiner).lower())
            await network.upload(PACKAGE)
            await network.seed({"a": np.zeros(3, np.float32)})
            yield network

    return started


def peer(network: Network, name: str) -> Peer:
    """A client by hand that gives no token."""
    (combiner,) = network.operator.combiners()
    assert network.web.ca_pem is not None
    return Peer(name, combiner["port"], "", ca_pem=network.web.ca_pem)


async def refusal(peer: Peer) -> grpc.aio.AioRpcError:
    """What the stream of training tasks is refused with."""
    hello = pb.ClientAvailableMessage(sender=peer.sender)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await within(peer.combiner.ModelUpdateRequestStream(hello, metadata=peer.metadata).read())
    return caught.value


@pytest.mark.parametrize(
    ("combiner", "status", "reason"),
    [
        (False, grpc.StatusCode.UNAUTHENTICATED, "takes a token"),
        (True, grpc.StatusCode.PERMISSION_DENIED, "the reducer lets in no clients that give no token"),
    ],
    ids=["neither", "the combiner alone"],
)
async def test_a_reducer_that_does_not_let_them_in_says_what_to_set(
    start: Start, combiner: bool, status: grpc.StatusCode, reason: str
) -> None:
    async with start(reducer=False, combiner=combiner) as network:
        old = await network.begin("old")
        await old.says("the reducer answered /assign with 403")
        await old.says("lets in no clients that give no token")
        await old.says("set legacy_clients: true for reducer and combiners")
        assert await old.ended() == 1
        async with peer(network, "old") as direct:
            error = await refusal(direct)
            assert (error.code(), reason in (error.details() or "")) == (status, True)


async def test_the_log_of_a_combiner_says_that_the_reducer_lacks_the_setting(start: Start) -> None:
    async with start(reducer=False, combiner=True) as network:
        await network.processes["c0"].says("clients of 2021 are not let in: the reducer lacks `legacy_clients: true`")


async def test_the_log_of_a_combiner_says_that_it_lacks_the_setting_itself(start: Start) -> None:
    async with start(reducer=True, combiner=False) as network:
        combiner = network.processes["c0"]
        await combiner.says("clients of 2021 are not let in: this combiner lacks `legacy_clients: true`")
        old = await network.begin("old")
        await old.says("no place yet: .*no combiner that lets in clients of 2021 is connected")
        async with peer(network, "old") as direct:
            assert (await refusal(direct)).code() is grpc.StatusCode.UNAUTHENTICATED
        await combiner.says("refused: .*clients of 2021 have none: they need legacy_clients set")


async def test_both_logs_say_that_they_are_let_in_and_who_joins(start: Start) -> None:
    async with start(reducer=True, combiner=True) as network:
        combiner, reducer = network.processes["c0"], network.process
        assert reducer is not None
        for log in (combiner, reducer):
            await log.says("WARNING .*clients of 2021 are let in")
        await network.old("old")
        await reducer.says("client old of 2021 is assigned to combiner c0")
        await combiner.says("client old of 2021 joined from ipv")


async def test_they_go_to_a_combiner_that_lets_them_in(start: Start) -> None:
    async with start(reducer=True, combiner=False) as network:
        await network.combiner("c1", "--legacy-clients", "true")
        for name in ("one", "two"):
            await network.old(name, "-c", "c0")
        assert network.live() == {"one": "c1", "two": "c1"}


async def test_revoking_the_token_of_its_assignment_cuts_it_off(start: Start) -> None:
    async with start(reducer=True, combiner=True) as network:
        given = await asyncio.to_thread(lambda: network.operator.create_token("client", days=1))
        old = await network.begin("old", token=given["token"])
        await network.old("kept")
        await network.until(lambda: network.live().keys() == {"old", "kept"})
        await asyncio.to_thread(network.operator.revoke_token, given["id"])
        await old.says("stream: StatusCode.UNAVAILABLE: the reducer does not let this client in here")
        await old.says("stream: StatusCode.PERMISSION_DENIED: no client 'old' without a token was assigned")
        await network.until(lambda: network.live().keys() == {"kept"})


async def test_a_wrong_token_is_none(start: Start) -> None:
    async with start(reducer=True, combiner=True) as network:
        old = await network.begin("old", token="a.b.c")
        await old.says("the reducer answered /assign with 401")
        assert await old.ended() == 1


async def test_a_name_is_let_in_where_it_was_assigned_and_while_it_is_free(start: Start) -> None:
    async with start(reducer=True, combiner=True) as network:
        await network.combiner("c1", "--legacy-clients", "true")
        await network.old("old", "-c", "c1")
        await network.add_client("present", combiner="c0")
        assert network.live() == {"old": "c1", "present": "c0"}
        port = {one["name"]: one["port"] for one in network.operator.combiners()}["c0"]
        for name in ("old", "present", "stranger"):
            async with Peer(name, port, "", ca_pem=network.web.ca_pem or b"") as direct:
                error = await refusal(direct)
                assert error.code() is grpc.StatusCode.PERMISSION_DENIED, name
                assert "without a token was assigned to this combiner" in (error.details() or "")
        namesake = await network.begin("present")
        await namesake.says("the reducer answered /assign with 409")
        assert await namesake.ended() == 1
        assert network.live() == {"old": "c1", "present": "c0"}


async def test_a_client_is_moved_over_under_its_name(start: Start) -> None:
    async with start(reducer=True, combiner=True) as network:
        old = await network.old("ada")
        session = await network.session(validate=False)
        assert session.state == "finished", session.error
        await old.kill()
        await network.until(lambda: not network.live())
        await network.present("ada")
        session = await network.session(validate=False)
        assert session.state == "finished", session.error
        (ada,) = network.operator.clients()
        assert (ada["name"], ada["legacy"]) == ("ada", False)
        async with peer(network, "ada") as direct:
            assert (await refusal(direct)).code() is grpc.StatusCode.PERMISSION_DENIED
