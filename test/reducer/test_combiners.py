"""The reducer's lines to its combiners."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from loopback import Federation, plus_one
from waiting import DEADLINE, within

from fedn.core.model import File, RoundPlan, TaskKind
from fedn.errors import FednError, NotFound, Unavailable
from fedn.proto import fedn_pb2 as pb
from fedn.reducer.presence import NOT_DIALLED
from fedn.rpc.retry import backoff
from fedn.stores.documents import Combiner


@pytest.fixture
async def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Federation]:
    monkeypatch.setattr("fedn.reducer.combiners.backoff", lambda **_: backoff(first=0.01, longest=0.1))
    async with Federation(tmp_path) as federation:
        yield federation


PLAN = RoundPlan("round", "session", 1, TaskKind.TRAIN, File("model", 3, ""), (), 5.0)


async def test_a_line_that_was_given_up_says_so(network: Federation) -> None:
    former = network.services.links.get("c0")
    await asyncio.to_thread(network.services.links.watch, "c0")  # as after it announced itself again
    assert network.services.links.get("c0") is not former
    with pytest.raises(Unavailable, match="was given up"):
        former.run(PLAN, model_data=b"abc")
    with pytest.raises(Unavailable, match="was given up"):
        former.set_policy(pb.CombinerPolicy)
    with pytest.raises(Unavailable, match="was given up"):
        former.fetch(File("partial", 1, ""), network.folder / "target")
    with pytest.raises(Unavailable, match="was given up"):
        next(former.watch())
    await network.seed({"a": np.zeros(3, np.float32)})
    await network.add_client("ada")
    assert (await network.session()).state == "finished"


async def test_a_policy_that_a_combiner_has_lost_comes_again(
    network: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedn.reducer.combiners.POLICY_SECONDS", 0.0)
    monkeypatch.setattr("fedn.combiner.control_service.WATCH_SECONDS", 0.05)
    async with network.desk() as desk, network.peer("ada") as peer:
        await within(desk.rounds.SetPolicy(pb.CombinerPolicy(draining=True), metadata=desk.metadata))

        async def accepted() -> None:
            while True:
                answer = await desk.connector.AcceptingClients(pb.ConnectionRequest(), metadata=desk.metadata)
                if answer.status == pb.ACCEPTING:
                    return

        await within(accepted())
        await peer.connect()


async def test_no_policy_arrives_after_a_newer_one(network: Federation) -> None:
    link, told = network.services.links.get("c0"), list[str]()
    begun, go_on = threading.Event(), threading.Event()

    def older() -> pb.CombinerPolicy:
        told.append("older")
        begun.set()
        assert go_on.wait(DEADLINE)
        told.append("older is read")
        return pb.CombinerPolicy()

    def newer() -> pb.CombinerPolicy:
        told.append("newer")
        return pb.CombinerPolicy()

    first = asyncio.create_task(asyncio.to_thread(link.set_policy, older))
    assert await asyncio.to_thread(begun.wait, DEADLINE)
    second = asyncio.create_task(asyncio.to_thread(link.set_policy, newer))
    await asyncio.wait([second], timeout=0.2)
    go_on.set()
    await within(asyncio.gather(first, second))
    assert told == ["older", "older is read", "newer"]


async def test_a_partial_that_is_not_there_is_said(network: Federation) -> None:
    link = network.services.links.get("c0")
    with pytest.raises(NotFound, match="no model partial at this combiner"):
        await asyncio.to_thread(link.fetch, File("partial", 1, ""), network.folder / "target")


async def test_a_combiner_out_of_reach_is_shown_with_the_reason_and_taken_back(network: Federation) -> None:
    await network.add_client("ada")
    port = network.combiners["c0"].port
    await network.combiners.pop("c0").stop()
    (view,) = await network.until(lambda: [one for one in network.operator.combiners() if not one["connected"]])
    assert view["error"]
    await network.until(lambda: not network.live())
    await network.add_combiner("c0", port=port)
    await network.until(lambda: network.live() == {"ada": "c0"})


async def test_one_that_is_doubted_is_out_of_reach_until_it_answers_again(network: Federation) -> None:
    await network.add_client("ada")
    view = network.services.network
    seen: list[dict[str, tuple[str, ...]]] = []
    view.listen(lambda: seen.append(view.shares()))
    await asyncio.to_thread(network.services.links.doubt, "c0", "a round broke off")
    await network.until(lambda: view.shares() == {"c0": ("ada",)})
    assert seen[0] == {}


async def test_something_else_at_its_address_is_no_combiner(network: Federation) -> None:
    services = network.services
    services.network.register(Combiner(id="c9", host="localhost", port=network.port, max_clients=1, joined_at=0.0))
    services.links.watch("c9")

    def failed() -> bool:
        view = services.network.combiner("c9")
        return not view.connected and view.error != NOT_DIALLED

    await network.until(failed)


async def test_what_clients_say_becomes_events(network: Federation) -> None:
    async with network.peer("ada") as peer:
        await peer.connect()
        status = pb.Status(sender=peer.sender, status="out of disk", log_level=pb.Status.ERROR, data="{}")
        await peer.connector.SendStatus(status, metadata=peer.metadata)
        event = await network.until(
            lambda: next((one for one in network.operator.events() if one.kind == "client_status"), None)
        )
    assert (event.level, event.message, event.source) == ("error", "out of disk", "client ada")
    assert event.data["combiner"] == "c0"


async def test_a_round_of_a_combiner_that_hangs_ends_by_itself(
    network: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedn.reducer.link.GRACE_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        services = network.services
        port = silent.getsockname()[1]
        services.network.register(Combiner(id="c9", host="localhost", port=port, max_clients=1, joined_at=0.0))
        services.links.watch("c9")
        call = services.links.get("c9").run(replace(PLAN, seconds=0.2), model_data=b"")
        with pytest.raises(FednError, match="combiner c9"):
            await asyncio.to_thread(list, call.events())


async def test_the_lines_end_with_the_reducer(tmp_path: Path) -> None:
    async with Federation(tmp_path) as network:
        await network.seed({"a": np.zeros(3, np.float32)})
        await network.add_client("ada", train=plus_one)
        links = network.services.links
        await network.stop_reducer()
        with pytest.raises(Unavailable, match="was given up"):
            links.get("c0").run(PLAN, model_data=b"")
        await network.start_reducer()
        await network.until(lambda: network.live() == {"ada": "c0"})
