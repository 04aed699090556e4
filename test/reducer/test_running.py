"""How far a session is, asked while it runs."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loopback import Federation, mean, plus_one
from waiting import DEADLINE

from fedn.errors import NotFound
from fedn.reducer.feed import Feed, Notice
from fedn.reducer.running import Running
from fedn.stores.documents import Session

ENDED = Session(id="s", rounds=1, created_at=0.0, state="finished", ended_at=1.0).to_body()


class Held:
    """A client's function that waits in the middle until it is let go."""

    def __init__(self, function: Any) -> None:
        self._function = function
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, model: Any) -> Any:
        self.begun.set()
        self.go_on.wait(DEADLINE)
        return self._function(model)

    async def reached(self) -> None:
        assert await asyncio.to_thread(self.begun.wait, DEADLINE)


async def progress(network: Federation, session_id: str) -> dict[str, Any]:
    return await asyncio.to_thread(network.operator.progress, session_id)


async def told(network: Federation, session_id: str, kind: str, client: str, state: str) -> None:
    """Wait until the watchers have heard that a client came to a state; the watch begins with what is so already."""
    async for name, data in network.watch(session_id):
        there = [(one["client"], one["state"]) for one in data["clients"]] if name == "round_progress" else []
        if (client, state) in there and data["kind"] == kind:
            return
    pytest.fail("the session has ended")


async def test_a_running_round_says_who_is_how_far(tmp_path: Path) -> None:
    training, validating = Held(plus_one), Held(mean)
    async with Federation(tmp_path, combiners=2) as network:
        await network.seed({"a": np.zeros(3, np.float32)})
        await network.add_client("quick", combiner="c0")
        await network.add_client("slow", train=training, validate=validating, combiner="c1")
        session = await network.start_session(rounds=2, clients_required=2, round_timeout=600)
        await training.reached()
        await told(network, session.id, "train", "quick", "answered")
        await told(network, session.id, "train", "slow", "working")
        now = await progress(network, session.id)
        assert (now["state"], now["phase"], now["waits_for"]) == ("running", "training", "")
        assert (now["rounds"], now["rounds_done"]) == (2, 0)
        shown = now["round"]
        assert (shown["number"], shown["attempt"], shown["kind"]) == (1, 1, "train")
        assert shown["deadline"] == shown["started_at"] + 600
        assert {state: count for state, count in shown["clients"].items() if count} == {"answered": 1, "working": 1}
        assert [(one["name"], one["clients"]["answered"]) for one in shown["combiners"]] == [("c0", 1), ("c1", 0)]
        assert shown["bytes"] == shown["combiners"][0]["bytes"] > 0
        assert shown["unanswered"] == [{"client": "slow", "state": "working"}]
        training.go_on.set()
        await validating.reached()
        now = await progress(network, session.id)
        assert (now["phase"], now["rounds_done"], now["round"]["number"]) == ("validating", 1, 1)
        validating.go_on.set()
        await network.end_of(session)
        now = await progress(network, session.id)
        assert (now["state"], now["phase"], now["rounds_done"]) == ("finished", "ended", 2)
        assert (now["round"]["number"], now["round"]["kind"], now["round"]["clients"]["answered"]) == (2, "validate", 2)
        assert now["round"]["unanswered"] == []
        with pytest.raises(NotFound):
            await progress(network, "none")


async def test_a_session_that_waits_for_clients_says_so(tmp_path: Path) -> None:
    training = Held(plus_one)
    async with Federation(tmp_path) as network:
        await network.seed({"a": np.zeros(3, np.float32)})
        await network.add_client("one", train=training)
        session = await network.start_session(rounds=2, validate=False, round_timeout=600)
        await training.reached()
        started = await progress(network, session.id)
        await network.remove_client("one")
        async for kind, data in network.watch(session.id):
            if kind == "round_finished" and data["error"]:
                break
        await network.until(lambda: not network.operator.clients())
        now = await progress(network, session.id)
        assert (now["phase"], now["waits_for"]) == ("waiting", "clients")
        assert now["waits"] == "0 of the 1 clients required are connected"
        assert now["round"]["round_id"] == started["round"]["round_id"]
        assert now["round"]["clients"]["lost"] == 1
        training.go_on.set()
        await network.add_client("two")
        assert (await network.end_of(session)).state == "finished"


def test_a_store_that_is_waited_for_is_named_until_the_session_goes_on() -> None:
    feed = Feed()
    running = Running(feed)
    feed.publish(Notice("event", "s", {"kind": "session_waits", "message": "the session waits for a store: gone"}))
    assert running.waits("s") == "the session waits for a store: gone"
    assert running.waits("other") == ""
    feed.publish(Notice("event", "s", {"kind": "session_started", "message": ""}))
    feed.publish(Notice("network"))
    assert running.waits("s") == "the session waits for a store: gone"
    feed.publish(Notice("model", "s", {}))
    assert running.waits("s") == ""


def test_a_round_is_over_with_its_session() -> None:
    feed = Feed()
    running = Running(feed)
    assert (running.round("s"), running.notices("s")) == (None, [])
    begun = {"round_id": "r", "number": 1, "attempt": 1, "kind": "train", "clients": ["a"], "combiners": {"c1": 1}}
    feed.publish(Notice("round_started", "s", begun))
    assert [one.kind for one in running.notices("s")] == ["round_started", "round_progress"]
    feed.publish(Notice("round_progress", "s", {"round_id": "another", "clients": [{}]}))
    found = running.round("s")
    assert found is not None and found[0] == "training"
    assert running.round("other") is None
    answered = {"client": "a", "combiner": "c1", "state": "answered", "detail": "", "bytes": 1}
    feed.publish(Notice("round_progress", "s", {"round_id": "r", "clients": [answered]}))
    found = running.round("s")
    assert found is not None and found[0] == "reducing"
    feed.publish(Notice("session", "s", ENDED))
    assert (running.round("s"), running.notices("s")) == (None, [])
