"""What figures are made of: written with each round, and of rounds that an earlier version wrote, of these."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loopback import Federation
from measured import attempt, validations_of

from fedn.reducer import attempts
from fedn.reducer.plots import PLOTS, Query, folds
from fedn.reducer.plots.gists import Gists
from fedn.reducer.trail import weighted_means
from fedn.stores.documents import Model, Readings, Round, Session, Summary, Validation
from fedn.stores.protocols import Insert, StateStore
from fedn.stores.sqlite import SqliteStateStore

ROUNDS = 6
FIGURES = PLOTS.keys() - {"machines"}


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateStore]:
    with closing(SqliteStateStore(tmp_path / "state.db")) as store:
        store.write(Insert(Session(id="s", rounds=ROUNDS, created_at=0.0)))
        yield store


def run(state: StateStore, number: int, *, earlier: bool = False) -> None:
    """Write a round and its validation down, as this version does or an `earlier` one."""
    seconds = {"exec_training": number + 0.5}
    clients = [{"client": name, "state": "answered", "bytes": 7, "seconds": seconds} for name in "ab"]
    found = {"a": {"loss": 1.0 / number}, "b": {"loss": 2.0 / number, "accuracy": 0.5}}
    validations = validations_of(f"m{number}", found)
    about = {"size": 1, "sha256": "", "committed_at": 0.0, "session_id": "s", "number": number}
    model = Model(id=f"m{number}", metrics=weighted_means(validations), **about)  # type: ignore[arg-type]
    state.write(Insert(model), *map(Insert, validations))
    failed = attempt(number, attempt=1, model_id=f"m{number - 1}")
    training = attempt(number, attempt=2, model_id=f"m{number - 1}", clients=clients)
    for one, more in ((failed, []), (training, []), (attempt(number, kind="validate", model_id=model.id), validations)):
        state.write(*([Insert(one)] if earlier else attempts.written(one, more)))


def drawn(gists: Gists) -> dict[str, Any]:
    return {name: PLOTS[name](gists, Query(session_ids=["s"])) for name in FIGURES}


@pytest.mark.parametrize("earlier", range(ROUNDS + 1))
def test_rounds_of_an_earlier_version_are_drawn_like_others(
    state: StateStore, earlier: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folds, "LARGE", 2)
    kept = Gists(state)
    with closing(SqliteStateStore(tmp_path / "other.db")) as other:
        other.write(Insert(Session(id="s", rounds=ROUNDS, created_at=0.0)))
        for number in range(1, ROUNDS + 1):
            run(state, number, earlier=number <= earlier)
            run(other, number)
            assert drawn(kept) == drawn(Gists(state)) == drawn(Gists(other))
    assert state.count(Summary) == 3 * (ROUNDS - earlier)


async def test_what_a_session_writes_is_what_its_rounds_tell(tmp_path: Path) -> None:
    async with Federation(tmp_path) as network:
        for name in ("a", "b"):
            await network.add_client(name)
        await network.seed({"weights": np.zeros(2, np.float32)})
        session = await network.session(rounds=2, clients_required=2)
        state, query = network.services.state, Query(session_ids=[session.id])
        rounds = [one.id for _, one in state.find(Round)]
        assert [[one.id for _, one in state.find(kind)] for kind in (Summary, Readings)] == [rounds, rounds]
        as_written = {name: PLOTS[name](Gists(state), query) for name in FIGURES}
        state.clear([Summary, Readings])
        assert {name: PLOTS[name](Gists(state), query) for name in FIGURES} == as_written


def test_no_figure_reads_the_records_themselves(state: StateStore) -> None:
    for number in range(1, ROUNDS + 1):
        run(state, number)
    before = drawn(Gists(state))
    state.clear([Round, Model, Validation])
    assert drawn(Gists(state)) == before
