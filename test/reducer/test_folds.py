"""What is kept in memory of a session's documents."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from fedn.reducer.plots import folds
from fedn.reducer.plots.folds import Folds, documents
from fedn.stores.documents import Model
from fedn.stores.protocols import Insert, Put, StateStore
from fedn.stores.sqlite import SqliteStateStore


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateStore]:
    with closing(SqliteStateStore(tmp_path / "state.db")) as store:
        yield store


def model(number: int, session_id: str = "s", updates: int = 1, **metrics: float) -> Model:
    return Model(
        id=f"{session_id}.{number}",
        size=1,
        sha256="",
        committed_at=0.0,
        number=number,
        session_id=session_id,
        updates=[{}] * updates,
        metrics=metrics,
    )


def numbers(state: StateStore, *, limit: int = 1_000, read: list[int] | None = None) -> Folds[Model, int]:
    """Folds of models to their numbers; `read` gets the numbers of those that were read."""

    def gist(one: Model) -> int:
        if read is not None:
            read.append(one.number)
        return one.number

    return Folds(documents(state, Model), gist=gist, size=lambda one: len(one.updates), limit=limit)


def test_new_documents_appear_and_the_others_are_not_read_again(state: StateStore) -> None:
    read: list[int] = []
    kept = numbers(state, read=read)
    assert kept.of("s") == []
    state.write(*(Insert(model(number)) for number in range(1, 51)))
    assert kept.of("s") == list(range(50, 0, -1))
    state.write(*(Insert(model(number)) for number in range(51, 100)), Insert(model(1, "other")))
    read.clear()
    assert kept.of("s") == list(range(99, 0, -1))
    assert sorted(read) == list(range(50, 100))
    assert kept.of("other") == [1]


def test_what_the_newest_becomes_is_seen_even_after_another_came(state: StateStore) -> None:
    kept = Folds(documents(state, Model), gist=lambda one: dict(one.metrics), size=lambda one: 1, limit=9)
    state.write(Insert(model(1, loss=1.0)), Insert(model(2)))
    assert kept.of("s") == [{}, {"loss": 1.0}]
    state.write(Put(replace(model(2), metrics={"loss": 2.0})), Insert(model(3)))
    assert kept.of("s") == [{}, {"loss": 2.0}, {"loss": 1.0}]


@pytest.mark.parametrize("count", [1, 2, 30])
def test_a_reset_empties_it(state: StateStore, count: int) -> None:
    kept = numbers(state)
    state.write(*(Insert(model(number)) for number in range(1, count + 1)))
    assert len(kept.of("s")) == count
    state.clear([Model])
    assert kept.of("s") == []
    state.write(Insert(model(7)))
    assert kept.of("s") == [7]


def test_a_reset_between_two_looks_leaves_only_what_came_after(state: StateStore) -> None:
    kept = numbers(state)
    state.write(*(Insert(model(number)) for number in range(1, 6)))
    assert len(kept.of("s")) == 5
    state.clear([Model])
    state.write(Insert(model(1)), Insert(model(2)))
    assert kept.of("s") == [2, 1]


def test_the_oldest_are_left_out(state: StateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    few, small = numbers(state, limit=3), numbers(state)
    for number in range(1, 7):
        state.write(Insert(model(number, updates=10)))
        assert few.of("s") == list(range(number, max(0, number - 3), -1))
    monkeypatch.setattr(folds, "ENTRIES", 15)
    assert small.of("s") == [6, 5]
    state.write(Insert(model(7, updates=10)))
    assert small.of("s") == [7, 6]


def test_no_more_sessions_are_kept_than_agreed(state: StateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folds, "SESSIONS", 2)
    state.write(*(Insert(model(number, session)) for session in "abc" for number in range(1, 6)))
    read: list[int] = []
    kept = numbers(state, read=read)
    for session in "abac":
        assert kept.of(session) == [5, 4, 3, 2, 1]
    read.clear()
    kept.of("a")
    assert read == [5]
    kept.of("b")
    assert read == [5, 5, 4, 3, 2, 1]


def test_many_threads_see_each_document_once(state: StateStore) -> None:
    kept = numbers(state)

    def look(_: int) -> list[int]:
        return list(kept.of("s"))

    with ThreadPoolExecutor(4) as pool:
        looks = pool.map(look, range(100))
        for number in range(1, 41):
            state.write(Insert(model(number)))
        for seen in looks:
            assert seen == list(range(len(seen), 0, -1))
    assert kept.of("s") == list(range(40, 0, -1))
