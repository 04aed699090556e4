from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from fedn.errors import SessionRunning
from fedn.reducer import control
from fedn.stores.documents import Control, Event
from fedn.stores.protocols import Change, Insert
from fedn.stores.sqlite import SqliteStateStore


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SqliteStateStore]:
    with closing(SqliteStateStore(tmp_path / "state.db")) as store:
        yield store


def test_changes_by_many_at_once_all_count(state: SqliteStateStore) -> None:
    def count_up(current: Control) -> tuple[Control, tuple[Change, ...]]:
        return replace(current, helper=f"{int(current.helper or 0) + 1}"), ()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: control.change(state, count_up), range(20)))
    assert control.read(state).helper == "20"


def test_what_goes_with_a_change_happens_with_it_or_not_at_all(state: SqliteStateStore) -> None:
    event = Event(id="e", at=0.0, level="info", kind="test", message="m")
    control.change(state, lambda current: (replace(current, session_id="s"), (Insert(event),)))
    assert state.get(Event, "e") == event

    def refuse(current: Control) -> tuple[Control, tuple[Change, ...]]:
        control.refuse_while_running(current)
        return current, (Insert(replace(event, id="never")),)

    with pytest.raises(SessionRunning, match="session s is running"):
        control.change(state, refuse)
    assert state.count(Event) == 1


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (Control(id="control"), "setup"),
        (Control(id="control", latest_model="m"), "idle"),
        (Control(id="control", latest_model="m", session_id="s", state="instructing"), "instructing"),
    ],
)
def test_the_state_follows_from_what_is_stored(document: Control, expected: str) -> None:
    assert control.state(document) == expected
