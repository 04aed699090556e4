"""Clients of 2021 and their combiners that go: killed, silent, slow, come back."""

from __future__ import annotations

import signal
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
from legacy.network import Network

PACKAGE = {
    "fedn.yaml": "entry_points: {train: {command: python3 train.py}, validate: {command: python3 validate.py}}",
    "train.py": """
        import json, os, sys, time
        import numpy as np

        source, target = sys.argv[1:]
        with open("../data/data.json") as file:
            wanted = json.load(file)  # a file to wait for, or none
        while wanted and not os.path.exists(wanted):
            time.sleep(0.05)
        with np.load(source) as file:
            np.savez(target, a=file["a"] + 1)
    """,
    "validate.py": """
        import json, sys

        with open(sys.argv[2], "w") as file:
            json.dump({"loss": 0.5}, file)
    """,
}


@pytest.fixture(autouse=True)
async def seeded(network: Network) -> None:
    await network.upload(PACKAGE)
    await network.seed({"a": np.zeros(3, np.float32)})


def port_of(network: Network) -> int:
    (combiner,) = network.operator.combiners()
    return int(combiner["port"])


async def test_a_combiner_is_killed_and_comes_back_and_so_do_its_old_clients(network: Network) -> None:
    combiner = await network.combiner("c0")
    await network.old("old")
    await network.old("slower", "--wait", "3")
    session = await network.start_session(rounds=6, clients_required=2, attempts=3, round_timeout=60.0)
    async with aclosing(network.watch(session.id)) as events:
        async for kind, data in events:
            if kind == "round_started" and data["number"] == 3:
                break
    port = port_of(network)
    await combiner.kill()
    await network.combiner("c0", "--port", str(port))
    ended = await network.end_of(session)
    assert (ended.state, ended.rounds_done) == ("finished", 6), ended.error
    for model in (await network.whole_trail())[1:]:
        assert {one["client"] for one in model.updates} == {"old", "slower"}
    for one in network.operator.rounds(session.id):
        assert "late" not in states(network, one.id).values()  # no task missed its stream


async def test_an_old_client_that_is_killed_is_lost_to_its_round_alone(network: Network, tmp_path: Path) -> None:
    await network.combiner("c0", "--rejoin-seconds", "0.5")
    await network.old("stays")
    killed = await network.old("killed", data=str(tmp_path / "never"))
    session = await network.start_session(rounds=2, attempts=1, round_timeout=600.0)
    await killed.says("asked for a model update")
    await killed.kill()
    ended = await network.end_of(session)
    assert (ended.state, ended.rounds_done) == ("finished", 2), ended.error
    assert network.live().keys() == {"stays"}
    first, *_ = [one for one in network.operator.rounds(session.id)[::-1] if one.kind == "train"]
    assert states(network, first.id) == {"stays": "answered", "killed": "lost"}
    await network.old("killed")  # the name is free for whoever was given it


async def test_heartbeats_tell_a_slow_client_from_a_silent_one(network: Network, tmp_path: Path) -> None:
    await network.combiner("c0", "--rejoin-seconds", "0.5")
    go = tmp_path / "go"
    slow = await network.old("slow", data=str(go))
    silent = await network.old("silent", data=str(tmp_path / "never"))
    session = await network.start_session(attempts=1, round_timeout=600.0)
    for client in (slow, silent):
        await client.says("asked for a model update")
    silent.signal(signal.SIGSTOP)  # its connection stands, and nothing comes over it any more
    await network.until(lambda: network.live().keys() == {"slow"})
    go.touch()
    ended = await network.end_of(session)
    assert (ended.state, ended.rounds_done) == ("finished", 1), ended.error
    training = next(one for one in network.operator.rounds(session.id) if one.kind == "train")
    assert states(network, training.id) == {"slow": "answered", "silent": "lost"}
    silent.signal(signal.SIGCONT)
    await network.until(lambda: network.live().keys() == {"slow", "silent"})  # its streams ended with an error


async def test_a_combiner_that_stops_in_order_leaves_its_old_clients_dialling_it(network: Network) -> None:
    combiner = await network.combiner("c0")
    old = await network.old("old")
    port = port_of(network)
    combiner.terminate()
    assert await combiner.ended() == 0
    await old.says("stream: StatusCode.UNAVAILABLE: this combiner is going down")
    await network.combiner("c0", "--port", str(port))
    await network.until(lambda: network.live().keys() == {"old"})
    session = await network.session(attempts=1)
    assert (session.state, session.rounds_done) == ("finished", 1), session.error


async def test_a_task_that_fails_is_known_at_once_and_the_next_one_is_taken(network: Network, tmp_path: Path) -> None:
    await network.combiner("c0")
    await network.old("old", data=["no path"])
    session = await network.session(attempts=2, round_timeout=600.0)
    assert session.state == "failed"
    assert "client old: the task failed: Command" in session.error
    assert "returned non-zero exit status 1" in session.error


def states(network: Network, round_id: str) -> dict[str, str]:
    clients = network.web.get(f"/api/v1/rounds/{round_id}")["clients"]
    return {one["client"]: one["state"] for one in clients}
