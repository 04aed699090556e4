"""A reducer that stops or crashes in the middle of a session: the next one on its data folder goes on."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
from going import ROUNDS, Trainer, assert_gone_on
from loopback import Federation
from waiting import DEADLINE


@pytest.mark.parametrize("crash", [False, True], ids=["stopped", "killed"])
async def test_a_session_goes_on_with_the_next_reducer(tmp_path: Path, crash: bool) -> None:
    trainer = Trainer()
    async with Federation(tmp_path, combiners=2, process=True) as network:
        await network.seed({"a": np.zeros(3, np.float32)})
        await network.add_client("one", train=trainer, combiner="c0")
        await network.add_client("two", combiner="c1")
        session = await network.start_session(rounds=ROUNDS, clients_required=2, validate=False)
        assert await asyncio.to_thread(trainer.begun.wait, DEADLINE)
        assert network.process is not None
        if crash:
            await network.process.kill()
        await network.stop_reducer()
        trainer.go_on.set()
        await network.start_reducer()
        await network.end_of(session)
        await assert_gone_on(network, session.id)
        assert network.live() == {"one": "c0", "two": "c1"}
        events = await asyncio.to_thread(network.operator.events)
        assert [event.kind for event in events].count("session_started") == 2


async def test_crashes_at_any_moment_leave_no_gap_and_no_double(tmp_path: Path) -> None:
    async with Federation(tmp_path, combiners=1, process=True) as network:
        await network.seed({"a": np.zeros(3, np.float32)})
        await network.add_client("one")
        session = await network.start_session(rounds=ROUNDS, clients_required=1)
        assert network.process is not None
        # Each time as something else was just told: between a round's start, its commit, its record, its validation.
        for moment in ("round_started", "model", "round_finished", "validation", "round_progress"):
            async with aclosing(network.watch(session.id)) as events:
                async for kind, data in events:
                    if kind == moment or (kind == "session" and data["ended_at"]):
                        await network.process.kill()
                        break
            await network.stop_reducer()
            await network.start_reducer()
        await network.end_of(session)
        await assert_gone_on(network, session.id)


async def test_a_session_that_is_left_in_this_process_goes_on_too(tmp_path: Path) -> None:
    trainer = Trainer()
    async with Federation(tmp_path, combiners=1) as network:
        await network.seed({"a": np.zeros(3, np.float32)})
        await network.add_client("one", train=trainer)
        session = await network.start_session(rounds=ROUNDS)
        assert await asyncio.to_thread(trainer.begun.wait, DEADLINE)
        await network.stop_reducer()
        trainer.go_on.set()
        await network.start_reducer()
        await network.end_of(session)
        await assert_gone_on(network, session.id)
