"""The session worker, by the documents that make it work and those that it leaves."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from waiting import DEADLINE

from fedn.config import ReducerSettings
from fedn.core import weights as w
from fedn.errors import NotFound
from fedn.reducer import control
from fedn.reducer.feed import Feed
from fedn.reducer.services import Services
from fedn.reducer.trail import Trail
from fedn.stores.documents import Event, Session
from fedn.stores.opening import open_artifacts, open_state
from fedn.stores.protocols import Insert, Put


@pytest.fixture
def settings(tmp_path: Path) -> ReducerSettings:
    return ReducerSettings(data_dir=tmp_path)


@pytest.fixture
def services(settings: ReducerSettings) -> Iterator[Services]:
    with contextlib.closing(Services.open(settings)) as services:
        yield services


def seed(trail: Trail, folder: Path) -> str:
    path = folder / "seed.npz"
    w.write({"a": np.zeros(2, np.float32)}, path)
    return trail.seed(path).id


def queue(services: Services, session: Session) -> None:
    """What starting a session writes."""
    control.change(services.state, lambda now: (replace(now, session_id=session.id), (Insert(session),)))


def session_of(model: str, name: str = "session", **fields: object) -> Session:
    return Session(id=name, rounds=1, created_at=time.time(), start_model=model, **fields)  # type: ignore[arg-type]


def ended(services: Services, feed: Feed, session_id: str) -> Session:
    """The session, once it is over."""
    with feed.subscribe() as subscription:
        services.worker.wake()
        while True:
            session = services.state.get(Session, session_id)
            assert session is not None
            if session.ended_at is not None:
                return session
            assert subscription.get(seconds=DEADLINE) is not None


def test_a_session_without_clients_fails_in_time_and_makes_room(services: Services, tmp_path: Path) -> None:
    model = seed(services.trail, tmp_path)
    queue(services, session_of(model, round_timeout=0.1, attempts=2))
    session = ended(services, services.feed, "session")
    assert session.state == "failed"
    assert session.error == "round 1 failed after 2 attempts: 0 of the 1 clients required were live within 0.1 s"
    assert control.read(services.state).session_id == ""
    kinds = [event.kind for _, event in services.state.find(Event)]
    assert kinds == ["session_failed", "session_started"]


def test_a_queued_session_that_is_stopped_never_starts(services: Services, tmp_path: Path) -> None:
    model = seed(services.trail, tmp_path)
    queue(services, session_of(model, stop_requested=True))
    assert ended(services, services.feed, "session").state == "stopped"


def test_stopping_reaches_a_session_wherever_it_is(services: Services, tmp_path: Path) -> None:
    model = seed(services.trail, tmp_path)
    for number in range(20):  # before it is picked up, at its start, while it waits
        name = f"session-{number}"
        queue(services, session_of(model, name, round_timeout=600.0))
        services.worker.wake()
        services.worker.stop(name)
        assert ended(services, services.feed, name).state == "stopped"
    services.worker.stop("session-0")
    assert services.state.get(Session, "session-0").state == "stopped"  # type: ignore[union-attr]
    with pytest.raises(NotFound, match="no session 'none'"):
        services.worker.stop("none")


def test_a_session_that_can_not_be_begun_fails_and_the_next_one_runs(services: Services, tmp_path: Path) -> None:
    queue(services, session_of("no such model"))
    session = ended(services, services.feed, "session")
    assert (session.state, session.error) == ("failed", "the reducer failed; see its log")
    model = seed(services.trail, tmp_path)
    queue(services, session_of(model, "next", round_timeout=0.1, attempts=1))
    assert "0 of the 1 clients" in ended(services, services.feed, "next").error


def test_closing_leaves_a_session_for_the_next_start(settings: ReducerSettings, tmp_path: Path) -> None:
    with contextlib.closing(Services.open(settings)) as services:
        model = seed(services.trail, tmp_path)
        with services.feed.subscribe() as subscription:
            queue(services, session_of(model, round_timeout=600.0))
            services.worker.wake()
            while (notice := subscription.get(seconds=DEADLINE)) is not None and notice.kind != "session":
                pass
    with contextlib.closing(open_state(settings.statestore, network_id="n", data_dir=tmp_path)) as state:
        left = state.get(Session, "session")
        assert left is not None
        assert (left.state, left.ended_at) == ("running", None)
    with contextlib.closing(Services.open(settings)) as services:
        services.worker.stop("session")
        assert ended(services, services.feed, "session").state == "stopped"


def test_a_session_whose_rounds_are_done_ends_at_once(settings: ReducerSettings, tmp_path: Path) -> None:
    """As after a crash between the last commit and the end."""
    with (
        contextlib.closing(open_state(settings.statestore, network_id="n", data_dir=tmp_path)) as state,
        contextlib.closing(open_artifacts(settings.storage, network_id="n", data_dir=tmp_path)) as artifacts,
    ):
        model = seed(Trail(state, artifacts, scratch=tmp_path), tmp_path)
        session = session_of(model, state="running", rounds_done=1, model_id=model)
        state.write(Put(session))
        control.change(state, lambda now: (replace(now, session_id=session.id), ()))
    with contextlib.closing(Services.open(settings)) as services:
        session = ended(services, services.feed, "session")
        assert (session.state, session.rounds_done) == ("finished", 1)
        assert control.read(services.state).session_id == ""


def test_a_worker_that_is_closed_just_as_it_looks_for_work_ends(
    settings: ReducerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with contextlib.closing(Services.open(settings)) as services:
        worker = services.worker

        class Closing(threading.Event):
            """Has the worker closed between its look whether it is and its look for work."""

            def clear(self) -> None:
                worker.leave()
                super().clear()

        work = worker._work
        monkeypatch.setattr(worker, "_work", Closing())
        work.set()
        worker._thread.join(DEADLINE)
        assert not worker._thread.is_alive()
