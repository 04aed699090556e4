"""Samples of memory and processor: noted, bounded, and noted on when the store was away."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from waiting import DEADLINE

from fedn.errors import Conflict, FednError, Unavailable
from fedn.reducer import monitoring
from fedn.reducer.feed import Feed
from fedn.reducer.monitoring import Monitor, since
from fedn.reducer.network import ClientView, Network
from fedn.security.tokens import Role
from fedn.stores.documents import Combiner, Sample
from fedn.stores.protocols import Change, Insert
from fedn.stores.sqlite import SqliteStateStore


class Shell(SqliteStateStore):
    """A state store that fails as often as it is told to, and says when it was written."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.failures: list[FednError] = []
        self.failed = threading.Event()
        self.written = threading.Event()

    def write(self, *changes: Change) -> None:
        if self.failures:
            self.failed.set()
            raise self.failures.pop()
        super().write(*changes)
        self.written.set()


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Shell]:
    with closing(Shell(tmp_path / "state.db")) as state:
        yield state


@pytest.fixture
def network(state: Shell) -> Network:
    network = Network(state, Feed())
    for name in ("here", "gone"):
        network.register(Combiner(id=name, host="localhost", port=1, max_clients=9, joined_at=0.0))
    joined = [ClientView(name="a", combiner="here"), ClientView(name="b", combiner="here")]
    network.update("here", joined=joined, left=[], processor=0.25, memory_bytes=77, draining=False)
    return network


@pytest.fixture
def monitor(state: Shell, network: Network) -> Monitor:
    return Monitor(state, network, seconds=0)


def samples(state: Shell) -> list[Sample]:
    return [one for _, one in state.find(Sample, newest_first=False)]


def fill(state: Shell, *instants: float) -> None:
    state.write(
        *(
            Insert(Sample(id=f"old{n}", at=at, node="reducer", role="reducer", processor=0, memory_bytes=1, clients=0))
            for n, at in enumerate(instants)
        )
    )


def threads() -> list[threading.Thread]:
    """Those of monitors."""
    return [thread for thread in threading.enumerate() if thread.name == "monitor"]


def test_the_reducer_and_each_connected_combiner_are_sampled(state: Shell, monitor: Monitor) -> None:
    monitor.note()
    reducer, combiner = samples(state)
    assert (reducer.node, reducer.role, reducer.clients) == ("reducer", "reducer", 2)
    assert reducer.memory_bytes > 1 << 20
    assert reducer.processor > 0
    assert (combiner.node, combiner.role, combiner.clients) == ("here", "combiner", 2)
    assert (combiner.processor, combiner.memory_bytes) == (0.25, 77)
    assert combiner.at == reducer.at


def test_samples_of_yesterday_are_given_up(state: Shell, monitor: Monitor) -> None:
    now = time.time()
    fill(state, now - 90_000, now - 86_500, now - 80_000)
    monitor.note()
    assert [one.id for one in samples(state) if one.id.startswith("old")] == ["old2"]
    assert len(samples(state)) == 3


def test_so_many_samples_are_kept_at_most(state: Shell, monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitoring, "KEPT", 5)
    fill(state, *[time.time()] * 150)
    for _ in range(3):
        monitor.note()
    assert [one.node for one in samples(state)] == ["here", "reducer", "here", "reducer", "here"]


def test_the_newest_are_given_oldest_first(state: Shell) -> None:
    fill(state, 10.0, 20.0, 30.0)
    assert [one.at for one in since(state, 0.0, limit=2)] == [20.0, 30.0]
    assert [one.at for one in since(state, 20.0, limit=10)] == [20.0, 30.0]


def test_a_store_that_is_away_for_a_while_does_not_end_it(state: Shell, network: Network) -> None:
    state.failures = [Unavailable("away on cue"), Unavailable("away on cue")]
    with closing(Monitor(state, network, seconds=0.001)) as monitor:
        state.written.clear()
        monitor.start()
        assert state.written.wait(DEADLINE)
    assert state.failures == []
    count = len(samples(state))
    assert count >= 2
    assert not threads()


def test_another_reducer_that_leads_ends_it(state: Shell, network: Network, caplog: pytest.LogCaptureFixture) -> None:
    state.failures = [Conflict("another leads")]
    monitor = Monitor(state, network, seconds=0.001)
    with caplog.at_level(logging.ERROR):
        monitor.start()
        for thread in threads():
            thread.join(DEADLINE)
    assert not threads()
    monitor.close()
    assert samples(state) == []
    assert "no samples can be noted any more: another leads" in caplog.text


def test_it_can_be_turned_off(state: Shell, monitor: Monitor) -> None:
    monitor.start()
    assert not threads()
    monitor.close()


@pytest.fixture
def until_noted(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Waits for a reducer's monitor."""
    noted = threading.Event()
    note = Monitor.note

    def tell(self: Monitor) -> None:
        note(self)
        noted.set()

    monkeypatch.setattr(Monitor, "note", tell)

    def wait() -> None:
        assert noted.wait(DEADLINE)

    return wait


def test_a_reducer_tells_what_it_noted(start_reducer: Any, until_noted: Callable[[], None]) -> None:
    with ExitStack() as stack:
        reducer = start_reducer(stack, monitor_seconds=0.05)
        until_noted()
        http = reducer.http(Role.VIEWER)
        found = http.get("/api/v1/monitoring", limit=1)
        assert found["seconds"] == 0.05
        [sample] = found["items"]
        assert (sample["node"], sample["role"]) == ("reducer", "reducer")
        assert http.get("/api/v1/monitoring", since=sample["at"] + 3600) == {"items": [], "seconds": 0.05}
