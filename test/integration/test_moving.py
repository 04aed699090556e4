"""Clients that an operator moves or removes, and combiners that are drained, while there is work to do."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np
import pytest
from gates import let_through, standing
from going import Trainer
from loopback import Federation
from processes import Process
from waiting import DEADLINE, within

from fedn.errors import Conflict
from fedn.package.archive import build
from fedn.proto import fedn_pb2 as pb

TASKS = """
    import json, os, sys
    import numpy as np
    source, target = sys.argv[1:]
    if os.environ["FEDN_TASK"] == "train":
        open(os.environ["GATE"]).readline()  # a pipe: until somebody writes a line
        np.savez(target, **{name: array + 1 for name, array in np.load(source).items()})
    else:
        json.dump({"mean": 0.5}, open(target, "w"))
"""


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Federation]:
    """Two combiners that clients upload to by pieces."""
    async with Federation(tmp_path / "data", combiners=2, combiner={"inline_bytes": 100}) as network:
        yield network


@pytest.fixture
async def gate(network: Federation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    """What training waits at, of the package that the network has."""
    gate, code = tmp_path / "gate", tmp_path / "project" / "client"
    monkeypatch.setenv("GATE", str(gate))
    code.mkdir(parents=True)
    entry_points = "{train: {command: python3 tasks.py}, validate: {command: python3 tasks.py}}"
    (code / "fedn.yaml").write_text(f"entry_points: {entry_points}\n")
    (code / "tasks.py").write_text(textwrap.dedent(TASKS))
    archive = build(code.parent, tmp_path / "package.tgz")
    await asyncio.to_thread(network.operator.upload_package, archive)
    with standing(gate):
        yield gate


async def test_a_client_is_moved_in_the_middle_of_training_and_removed_at_last(network: Federation, gate: Path) -> None:
    await network.seed({"a": np.zeros(100, np.float32)})
    token = await asyncio.to_thread(lambda: network.operator.create_token("client", name="ada"))
    words = ("--name", "ada", "--preferred-combiner", "c0", "--join", token["join"])
    async with AsyncExitStack() as stack:
        client = await Process.start("client", *words, data_dir=network.folder)
        stack.push_async_callback(client.stop)
        await network.until(lambda: network.live() == {"ada": "c0"})
        session = await network.start_session(rounds=2, round_timeout=100)
        seen: list[str] = []
        async for kind, data in network.watch(session.id):
            if kind == "round_progress" and data["kind"] == "train":
                states = [f"{data['number']} {one['state']}" for one in data["clients"]]
                if "1 working" in states:  # it is told to go before its training can end
                    moved = await asyncio.to_thread(network.operator.reassign_client, "ada", "c1")
                    assert moved == {"name": "ada", "combiner": "c0", "target": "c1"}
                if any("working" in state for state in states):
                    let_through(gate)
                seen += states
        ended = await asyncio.to_thread(network.operator.session, session.id)
        assert (ended.state, ended.rounds_done) == ("finished", 2), ended.error
        assert seen == [f"{number} {state}" for number in (1, 2) for state in ("working", "uploading", "answered")]
        models = [await asyncio.to_thread(network.operator.model, one.id) for one in await network.trail()]
        assert [[one["combiner"] for one in model.updates] for model in models] == [[], ["c0"], ["c1"]]
        assert "round 1: train accepted" in client.said
        assert network.live() == {"ada": "c1"}

        removed = await asyncio.to_thread(lambda: network.operator.remove_client("ada", revoke=True))
        assert removed == {"name": "ada", "combiner": "c1", "revoked_token": token["id"]}
        assert await client.ended() == 4
        assert "the combiner parted from ada: the operator removed this client" in client.said
        again = await Process.start("client", *words, data_dir=network.folder)
        stack.push_async_callback(again.stop)
        assert await again.ended() == 4
        assert "revoked" in again.said
    kinds = [event.kind for event in await asyncio.to_thread(lambda: network.operator.events(level="audit"))]
    assert {"client_reassigned", "client_removed"} <= set(kinds)


async def test_a_drained_combiner_stays_so_through_restarts_and_the_session_goes_on(network: Federation) -> None:
    await network.seed({"a": np.zeros(3, np.float32)})
    trainer = Trainer()
    await network.add_client("stays", combiner="c0")
    await network.add_client("moves", train=trainer, combiner="c1")
    session = await network.start_session(rounds=5, clients_required=2, round_timeout=100, validate=False)
    assert await asyncio.to_thread(trainer.begun.wait, DEADLINE)
    drained = await asyncio.to_thread(network.operator.drain_combiner, "c1")
    assert (drained["drained"], drained["clients"]) == (True, 1)
    with pytest.raises(Conflict, match="is being drained and has 1 clients still"):
        await asyncio.to_thread(network.operator.remove_combiner, "c1")
    trainer.go_on.set()
    ended = await network.end_of(session)
    assert (ended.state, ended.rounds_done) == ("finished", 5), ended.error
    assert network.live() == {"stays": "c0", "moves": "c0"}
    rounds = await asyncio.to_thread(network.operator.rounds, session.id)
    assert [one.attempt for one in rounds] == [1] * 5  # nothing was lost

    await network.stop_reducer()
    await network.start_reducer()
    await network.connected("c0", "c1")
    await network.combiners.pop("c1").stop()
    await network.add_combiner("c1")
    await network.until(lambda: network.operator.combiners()[1]["connected"])
    assert network.operator.combiners()[1]["drained"]
    async with network.desk("c1") as desk:
        accepting = await within(desk.connector.AcceptingClients(pb.ConnectionRequest(), metadata=desk.metadata))
    assert accepting.status == pb.NOT_ACCEPTING
    await network.add_client("new", combiner="c1")
    assert network.live()["new"] == "c0"

    await asyncio.to_thread(network.operator.resume_combiner, "c1")
    await asyncio.to_thread(network.operator.reassign_client, "new", "c1")
    await network.until(lambda: network.live().get("new") == "c1")
    assert (await network.session(rounds=1, clients_required=3)).state == "finished"
