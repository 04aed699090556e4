"""Stores that fail: what is tried again, and what is known to be done although it was reported as failed.

The stores here are the embedded ones behind a thin shell that fails on cue, which no real server does; real servers
that crash are in `test/integration/test_stores.py`.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loopback import Federation
from waiting import DEADLINE

from fedn.errors import Conflict, Unavailable
from fedn.reducer.feed import Feed, Subscription
from fedn.reducer.patience import Patience, write
from fedn.stores.documents import Event, Session
from fedn.stores.protocols import Change, Delete, Insert
from fedn.stores.sqlite import SqliteStateStore

WORKER = "session-worker"


class Shell(SqliteStateStore):
    """A state store that is `away` when told so."""

    away = False

    def check(self) -> str:
        self._fail()
        return super().check()

    def write(self, *changes: Change) -> None:
        self._fail()
        super().write(*changes)

    def _fail(self) -> None:
        if self.away:
            raise Unavailable("state store: away on cue")


class Forgetful(SqliteStateStore):
    """Makes every write of the session worker and reports the first try of each as failed."""

    lost = 0

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._seen: set[str] = set()

    def write(self, *changes: Change) -> None:
        super().write(*changes)
        bodies = [one.document.to_body() for one in changes if not isinstance(one, Delete)]
        key = json.dumps(bodies, sort_keys=True)
        if threading.current_thread().name == WORKER and key not in self._seen:
            self._seen.add(key)
            Forgetful.lost += 1
            raise Unavailable("state store: the answer was lost on cue")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Shell]:
    with closing(Shell(tmp_path / "state.db")) as store:
        yield store


@pytest.fixture
def patience() -> Iterator[Patience]:
    with closing(Patience()) as patience:
        yield patience


def event(name: str, message: str = "") -> Event:
    return Event(id=name, at=1.0, level="info", kind="test", message=message, data={"a": float("nan")})


def until(holds: Callable[[], Any], feed: Feed) -> None:
    with feed.subscribe() as news:
        while not holds():
            assert news.get(seconds=DEADLINE) is not None


def end_of_session(news: Subscription) -> None:
    while (notice := news.get(seconds=DEADLINE)) is None or not (
        notice.kind == "session" and notice.data["ended_at"] is not None
    ):
        assert notice is not None


def test_a_write_that_was_made_before_is_done_and_one_of_another_in_the_way(store: Shell) -> None:
    write(store, Insert(event("one")))
    write(store, Insert(event("one")))
    with pytest.raises(Conflict):
        write(store, Insert(event("one", "by somebody else")))
    assert store.count(Event) == 1


def test_what_is_kept_on_with_is_done_once_the_store_is_back(
    store: Shell, patience: Patience, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="fedn")
    feed = Feed()
    watched = patience.open("state store", lambda: store, wait=False)
    patience.record(watched, feed)
    store.away = True
    waiting = threading.Event()
    keeping = threading.Thread(
        target=patience.keep,
        args=(lambda: watched.write(Insert(event("kept"))),),
        kwargs={"waits": lambda _: waiting.set()},
    )
    keeping.start()
    assert waiting.wait(DEADLINE)
    patience.write_late(Insert(event("late")))
    with pytest.raises(Unavailable, match="away on cue"):  # at once: it isn't asked while it is away
        watched.get(Event, "kept")
    store.away = False
    keeping.join(DEADLINE)
    until(lambda: store.count(Event) == 3, feed)
    assert {one.kind for _, one in store.find(Event)} == {"test", "store_back"}
    said = [record.message for record in caplog.records if "the state store is" in record.message]
    assert [line.split()[4] for line in said] == ["out", "back"]


@pytest.mark.parametrize("how", ["given up", "ended"])
def test_who_waits_for_a_store_can_be_told_to_give_up(store: Shell, patience: Patience, how: str) -> None:
    watched = patience.open("state store", lambda: store, wait=False)
    store.away = True
    enough = threading.Event()

    def give_up(_: Unavailable) -> None:
        if how == "ended":
            patience.end()
        else:
            enough.set()
            patience.wake()

    with pytest.raises(Unavailable, match="away on cue"):
        patience.keep(lambda: watched.write(Insert(event("one"))), unless=enough, waits=give_up)


async def test_answers_that_are_lost_leave_no_gap_and_no_double(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedn.reducer.services.open_state", lambda *_, **__: Forgetful(tmp_path / "state.db"))
    monkeypatch.setattr(Forgetful, "lost", 0)
    async with Federation(tmp_path) as network:
        await network.seed({"a": np.zeros(3, np.float32)})
        await network.add_client("one")
        with network.services.feed.subscribe() as news:  # the API says 503 whenever an answer was just lost
            started = await network.start_session(rounds=2)
            await asyncio.to_thread(end_of_session, news)
        session = await asyncio.to_thread(network.operator.session, started.id)
        assert (session.state, session.rounds_done) == ("finished", 2), session.error
        assert Forgetful.lost == 1 + 2 * 3 + 1  # a start; a commit, its round, a validation with its round; an end
        trail = await network.trail()
        assert [model.number for model in trail] == [0, 1, 2]
        assert [model.metrics for model in trail[1:]] == [{"mean": 1.0}, {"mean": 2.0}]
        rounds = await asyncio.to_thread(network.operator.rounds, session.id)
        assert sorted((one.number, one.kind, one.attempt) for one in rounds) == [
            (1, "train", 1),
            (1, "validate", 1),
            (2, "train", 1),
            (2, "validate", 1),
        ]
        kinds = [one.kind for one in await asyncio.to_thread(network.operator.events)]
        assert (kinds.count("session_started"), kinds.count("session_finished")) == (1, 1)
        assert network.services.state.count(Session) == 1
