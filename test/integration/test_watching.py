"""`fedn session watch` while its reducer goes away and comes back."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from going import ROUNDS, Trainer, assert_gone_on
from loopback import Federation
from processes import Process
from waiting import DEADLINE

from fedn.cli import exits


def fails(model: object) -> None:
    """Training that whoever watches hears of in every round, as soon as he watches."""
    raise ValueError("no")


async def watching(network: Federation, session_id: str, *words: str) -> Process:
    """`fedn session watch` as a process of its own."""
    command = (sys.executable, "-m", "fedn", "session", "watch", session_id, "--data-dir", str(network.folder), *words)
    return Process(
        await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, stdin=asyncio.subprocess.DEVNULL
        )
    )


@pytest.mark.parametrize("form", ["lines", "json"])
async def test_a_watch_goes_on_with_the_next_reducer(tmp_path: Path, form: str) -> None:
    trainer = Trainer()
    async with Federation(tmp_path, process=True) as network:
        await network.seed({"a": np.zeros(3, np.float32)})
        await network.add_client("one", train=trainer)
        await network.add_client("two", train=fails)
        session = await network.start_session(rounds=ROUNDS, validate=False, round_timeout=600)
        watch = await watching(network, session.id, *(["--json"] if form == "json" else []))
        assert await asyncio.to_thread(trainer.begun.wait, DEADLINE)
        await watch.says("round 3: two broken" if form == "lines" else '"number": 3')
        assert network.process is not None
        await network.process.kill()
        await watch.says("the reducer is away" if form == "lines" else '"watch_lost"')
        await network.stop_reducer()
        trainer.go_on.set()
        await network.start_reducer()
        assert await watch.ended() == exits.OK
        await assert_gone_on(network, session.id)
        said = watch.said
        if form == "lines":
            assert "the reducer is back after" in said
            assert said.splitlines()[-1] == f"session {session.id} is finished, 6 of 6 rounds done"
        else:
            told = [json.loads(line) for line in said.splitlines()]
            kinds = [one["kind"] for one in told]
            assert kinds.index("watch_lost") < kinds.index("watch_back")
            assert kinds[kinds.index("watch_back") + 1] == "session"
            assert told[-1]["data"]["state"] == "finished"


async def test_a_watch_gives_up_in_the_end(tmp_path: Path) -> None:
    trainer = Trainer()
    async with Federation(tmp_path, process=True) as network:
        await network.seed({"a": np.zeros(3, np.float32)})
        await network.add_client("one", train=trainer)
        await network.add_client("two", train=fails)
        session = await network.start_session(rounds=ROUNDS, validate=False, round_timeout=600)
        watch = await watching(network, session.id, "--give-up-after", "0.5")
        assert await asyncio.to_thread(trainer.begun.wait, DEADLINE)
        await watch.says("round 3: two broken")
        assert network.process is not None
        await network.process.kill()
        assert await watch.ended() == exits.BY_CODE["unavailable"]
        assert "the reducer was away for 0.5 s" in watch.said
        trainer.go_on.set()


async def test_a_watch_that_can_not_begin_ends_at_once(tmp_path: Path) -> None:
    async with Federation(tmp_path, combiners=0) as network:
        watch = await watching(network, "none")
        assert await watch.ended() == exits.BY_CODE["not_found"]
        assert "away" not in watch.said
