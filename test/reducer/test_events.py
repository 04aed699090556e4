"""Looking for events: by fields, time and text, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fedn.reducer import events
from fedn.reducer.events import Wanted, every, find
from fedn.stores.documents import Event
from fedn.stores.protocols import Insert
from fedn.stores.sqlite import SqliteStateStore


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SqliteStateStore]:
    with closing(SqliteStateStore(tmp_path / "state.db")) as state:
        yield state


def fill(state: SqliteStateStore, *instants: float, level: str = "info", message: str = "something") -> None:
    first = state.count(Event)
    state.write(
        *(
            Insert(Event(id=str(first + number), at=at, level=level, kind="k", message=message))
            for number, at in enumerate(instants)
        )
    )


def ids(found: list[Event]) -> list[str]:
    return [one.id for one in found]


def test_pages_join_into_the_whole_whatever_their_length(state: SqliteStateStore) -> None:
    fill(state, *range(20))
    fill(state, *range(20, 40), level="error", message="Disk Full")
    fill(state, *range(40, 60))
    wanted = Wanted(where={"level": "error"}, since=5.0, until=37.0, text="dISK")
    expected = [str(number) for number in range(36, 19, -1)]
    assert ids(list(every(state, wanted))) == expected
    for limit in (1, 3, 17, 18, 1000):
        pages, before = [], None
        while True:
            found, before = find(state, wanted, limit=limit, before=before)
            pages.append(ids(found))
            if before is None:
                break
        assert [one for page in pages for one in page] == expected
        assert all(len(page) == limit for page in pages[:-1])


def test_a_search_looks_at_so_many_and_says_where_it_goes_on(
    state: SqliteStateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_PIECE", 5)
    monkeypatch.setattr(events, "LOOKED_AT", 20)
    fill(state, 1.0, message="the needle")
    fill(state, *[2.0] * 49)
    wanted, before, looks = Wanted(text="needle"), None, 0
    while True:
        found, before = find(state, wanted, limit=10, before=before)
        looks += 1
        if found:
            break
        assert before is not None
    assert (ids(found), looks) == (["0"], 3)
    assert ids(list(every(state, wanted))) == ["0"]


def test_what_is_older_is_not_looked_at(state: SqliteStateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_PIECE", 5)
    monkeypatch.setattr(events, "LOOKED_AT", 10)
    fill(state, *[1.0] * 30)
    fill(state, 50.0, 10.0, 51.0)  # one was written late, and stands among newer ones
    assert find(state, Wanted(since=50.0), limit=10) == ([state.get(Event, "32"), state.get(Event, "30")], None)


@pytest.mark.parametrize(
    ("wanted", "matches"),
    [
        (Wanted(), True),
        (Wanted(where={"level": "info", "kind": "k"}, since=5.0, until=5.1, text="SOME"), True),
        (Wanted(where={"level": "error"}), False),
        (Wanted(since=5.1), False),
        (Wanted(until=5.0), False),
        (Wanted(text="nothing"), False),
    ],
)
def test_an_event_that_comes_is_held_against_the_same_filters(wanted: Wanted, matches: bool) -> None:
    assert wanted.matches(Event(id="e", at=5.0, level="info", kind="k", message="something")) is matches
