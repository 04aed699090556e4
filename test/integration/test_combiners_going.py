"""Combiners that stop, crash and come back while a session runs. They are processes of their own here."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loopback import Federation, plus_one
from processes import Process
from waiting import DEADLINE


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Federation]:
    async with Federation(tmp_path, combiners=1) as federation:
        await federation.seed({"a": np.zeros(3, np.float32)})
        yield federation


@pytest.fixture
async def other(network: Federation) -> AsyncIterator[Process]:
    """A second combiner, c1, as a process."""
    process = await network.combiner_process("c1", "--rejoin-seconds", "0.3")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(process.stop)
        yield process


class Trainer:
    """Trains; the first time it waits until it is told to go on."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, model: Any) -> Any:
        self.begun.set()
        self.go_on.wait(DEADLINE)
        return plus_one(model)


async def test_a_combiner_that_is_stopped_ends_its_round_and_sends_its_clients_on(
    network: Federation, other: Process
) -> None:
    trainer = Trainer()
    await network.add_client("stays", combiner="c0")
    await network.add_client("moves", train=trainer, combiner="c1")
    session = await network.start_session(rounds=3, clients_required=2, round_timeout=100)
    assert await asyncio.to_thread(trainer.begun.wait, DEADLINE)
    other.terminate()
    await network.until(lambda: any(one["draining"] for one in network.operator.combiners()))
    trainer.go_on.set()
    assert await other.ended() == 0
    ended = await network.end_of(session)
    assert (ended.state, ended.rounds_done) == ("finished", 3), ended.error
    assert network.live() == {"stays": "c0", "moves": "c0"}
    rounds = await asyncio.to_thread(network.operator.rounds, session.id)
    assert [one.attempt for one in rounds if one.kind == "train"] == [1, 1, 1]  # nothing was lost
    first = await asyncio.to_thread(network.operator.model, (await network.trail())[1].id)
    assert [(one["client"], one["combiner"]) for one in first.updates] == [("stays", "c0"), ("moves", "c1")]


@pytest.mark.parametrize("required", [1, 2])
async def test_a_combiner_that_crashes_does_not_take_the_session_with_it(
    network: Federation, other: Process, required: int
) -> None:
    trainer = Trainer()
    await network.add_client("stays", combiner="c0")
    await network.add_client("moves", train=trainer, combiner="c1")
    session = await network.start_session(rounds=3, clients_required=required, attempts=3, round_timeout=100)
    assert await asyncio.to_thread(trainer.begun.wait, DEADLINE)
    await other.kill()
    trainer.go_on.set()
    ended = await network.end_of(session)
    assert (ended.state, ended.rounds_done) == ("finished", 3), ended.error
    await network.until(lambda: network.live() == {"stays": "c0", "moves": "c0"})
    trail = [await asyncio.to_thread(network.operator.model, model.id) for model in await network.trail()]
    assert [model.number for model in trail] == [0, 1, 2, 3]
    first = [(one["client"], one["combiner"]) for one in trail[1].updates]
    assert first == ([("stays", "c0")] if required == 1 else [("moves", "c0"), ("stays", "c0")])
    rounds = await asyncio.to_thread(network.operator.rounds, session.id)
    failed = [one.error for one in rounds if one.state == "failed"]
    assert len(failed) == required - 1
    assert all("combiner c1" in error for error in failed)


async def test_a_combiner_may_come_back_at_another_port(tmp_path: Path) -> None:
    trainer = Trainer()
    async with Federation(tmp_path, combiners=0) as network, AsyncExitStack() as stack:
        await network.seed({"a": np.zeros(3, np.float32)})
        former = await network.combiner_process("c0")
        stack.push_async_callback(former.stop)
        await network.add_client("ada", train=trainer)
        (before,) = network.operator.combiners()
        session = await network.start_session(rounds=2, round_timeout=100)
        assert await asyncio.to_thread(trainer.begun.wait, DEADLINE)
        async with aclosing(network.watch(session.id)) as events:
            await anext(events)
            await former.kill()
            trainer.go_on.set()
            async for kind, data in events:
                if kind == "round_finished":
                    assert "combiner c0" in data["error"]
                    break
        newer = await network.combiner_process("c0")
        stack.push_async_callback(newer.stop)
        ended = await network.end_of(session)
        assert (ended.state, ended.rounds_done) == ("finished", 2), ended.error
        (after,) = network.operator.combiners()
        assert after["port"] != before["port"]


async def test_a_combiner_that_is_told_twice_to_stop_stops_at_once(network: Federation, other: Process) -> None:
    trainer = Trainer()
    await network.add_client("ada", train=trainer, combiner="c1")
    session = await network.start_session(round_timeout=600, attempts=1)
    assert await asyncio.to_thread(trainer.begun.wait, DEADLINE)
    other.terminate()
    await network.until(lambda: any(one["draining"] for one in network.operator.combiners()))
    other.terminate()
    assert await other.ended() == 0
    trainer.go_on.set()
    assert (await network.end_of(session)).state == "failed"
