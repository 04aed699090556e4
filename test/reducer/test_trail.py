from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from fedn.core import weights as w
from fedn.core.aggregation import Partial, zero
from fedn.core.model import Answer, ClientState, File, Progress
from fedn.errors import InvalidInput, InvalidModel, NotFound
from fedn.reducer import control
from fedn.reducer.trail import SMALL, Trail, weighted_means
from fedn.stores.documents import Model, Session, Validation
from fedn.stores.files import FileArtifactStore
from fedn.stores.protocols import Insert
from fedn.stores.sqlite import SqliteStateStore

SEED = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.zeros(2)}


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SqliteStateStore]:
    with contextlib.closing(SqliteStateStore(tmp_path / "state.db")) as state:
        yield state


@pytest.fixture
def artifacts(tmp_path: Path) -> FileArtifactStore:
    return FileArtifactStore(tmp_path / "artifacts")


@pytest.fixture
def trail(state: SqliteStateStore, artifacts: FileArtifactStore, tmp_path: Path) -> Trail:
    return Trail(state, artifacts, scratch=tmp_path)


def file_of(folder: Path, arrays: Mapping[str, np.ndarray], *, form: w.Format = w.Format.NPZ) -> Path:
    path = folder / "model"
    w.write(arrays, path, format=form)
    return path


def partial_of(arrays: Mapping[str, np.ndarray], weight: float) -> Partial:
    partial = zero(w.Layout.of(arrays))
    partial.fold(arrays, weight)
    return partial


def update_of(client: str, examples: int) -> Progress:
    update = File("update", 100, "")
    answer = Answer(client, "round", examples=examples, metrics={"loss": 0.5}, update=update)
    return Progress(client, ClientState.ANSWERED, answer=answer)


def commit(trail: Trail, state: SqliteStateStore, *partials: Partial, number: int = 1) -> Model:
    latest = trail.latest()
    assert latest is not None
    session = state.get(Session, "session")
    if session is None:
        session = Session(id="session", rounds=5, created_at=0.0)
        state.write(Insert(session))
    updates = [("c0", update_of("ada", 3)), ("c1", update_of("ben", 1))]
    start = trail.start(latest.id)
    model, data = trail.commit(partials, updates, parent=start, session=session, round_id="round", number=number)
    assert bool(data) is (model.size <= SMALL)
    return model


def content(trail: Trail, model: Model) -> bytes:
    with trail.open(model.id) as stream:
        return stream.read()


def test_a_seed_is_the_start_of_the_trail(trail: Trail, tmp_path: Path) -> None:
    assert trail.latest() is None
    path = file_of(tmp_path, SEED)
    seed = trail.seed(path)
    assert (seed.parent, seed.number, seed.parameters, seed.size) == ("", 0, 8, path.stat().st_size)
    assert trail.latest() == trail.get(seed.id) == seed
    assert content(trail, seed) == path.read_bytes()
    start = trail.start(seed.id)
    assert (start.file, start.data) == (File(seed.id, seed.size, seed.sha256), path.read_bytes())


@pytest.mark.parametrize(
    "rubbish", [b"", b"rubbish \x00", w.to_bytes(SEED)[:-20], w.to_bytes({"a": np.array([np.nan])})]
)
def test_what_is_no_model_is_no_seed(
    trail: Trail, artifacts: FileArtifactStore, tmp_path: Path, rubbish: bytes
) -> None:
    path = tmp_path / "seed"
    path.write_bytes(rubbish)
    with pytest.raises(InvalidModel):
        trail.seed(path)
    assert trail.latest() is None
    assert artifacts.list("fedn-models") == []


def test_what_is_not_there_is_said(trail: Trail) -> None:
    for ask in (trail.get, trail.open, trail.start):
        with pytest.raises(NotFound, match="no model 'none'"):
            ask("none")


def test_a_commit_is_the_mean_of_all_partials_with_its_lineage(
    trail: Trail, state: SqliteStateStore, tmp_path: Path
) -> None:
    seed = trail.seed(file_of(tmp_path, SEED))
    one = {"a": np.full((2, 3), 2, np.float32), "b": np.ones(2)}
    other = {"a": np.full((2, 3), 6, np.float32), "b": np.full(2, 5.0)}
    model = commit(trail, state, partial_of(one, 3), partial_of(other, 1))
    arrays = w.read(content(trail, model))
    np.testing.assert_array_equal(arrays["a"], np.full((2, 3), 3, np.float32))
    np.testing.assert_array_equal(arrays["b"], [2.0, 2.0])
    assert (model.parent, model.session_id, model.round_id, model.number) == (seed.id, "session", "round", 1)
    assert [(one["client"], one["combiner"], one["examples"], one["bytes"]) for one in model.updates] == [
        ("ada", "c0", 3, 100),
        ("ben", "c1", 1, 100),
    ]
    assert trail.latest() == model
    session = state.get(Session, "session")
    assert session is not None
    assert (session.rounds_done, session.model_id) == (1, model.id)


def test_a_large_model_is_kept_on_disk(trail: Trail, state: SqliteStateStore, tmp_path: Path) -> None:
    large = {"a": np.zeros(SMALL, np.float32)}
    seed = trail.seed(file_of(tmp_path, large))
    assert trail.start(seed.id).data == b""
    model = commit(trail, state, partial_of({"a": np.ones(SMALL, np.float32)}, 1))
    assert model.size == seed.size
    np.testing.assert_array_equal(w.read(content(trail, model))["a"], np.ones(SMALL, np.float32))


def test_a_model_keeps_the_form_of_its_seed(trail: Trail, state: SqliteStateStore, tmp_path: Path) -> None:
    trail.seed(file_of(tmp_path, {"0": np.zeros((2, 2))}, form=w.Format.TEXT))
    model = commit(trail, state, partial_of({"0": np.full((2, 2), 0.5)}, 1))
    written = content(trail, model)
    assert w.format_of(written) is w.Format.TEXT
    np.testing.assert_array_equal(w.read(written)["0"], np.full((2, 2), 0.5))


def test_partials_that_do_not_fit_together_change_nothing(
    trail: Trail, state: SqliteStateStore, artifacts: FileArtifactStore, tmp_path: Path
) -> None:
    seed = trail.seed(file_of(tmp_path, SEED))
    other = {"a": np.zeros(5, np.float32)}
    with pytest.raises(InvalidInput, match="of one layout and kind"):
        commit(trail, state, partial_of(SEED, 1), partial_of(other, 1))
    assert trail.latest() == seed
    assert artifacts.list("fedn-models") == [seed.id]


def test_validations_are_averaged_by_their_examples(trail: Trail, state: SqliteStateStore, tmp_path: Path) -> None:
    seed = trail.seed(file_of(tmp_path, SEED))
    found = [
        Validation(
            id=client,
            model_id=seed.id,
            session_id="session",
            round_id="round",
            client=client,
            combiner="c0",
            examples=examples,
            metrics=metrics,
            data=dict(metrics),
            at=0.0,
        )
        for client, examples, metrics in (("ada", 3, {"accuracy": 1.0, "loss": 0.5}), ("ben", 1, {"accuracy": 0.0}))
    ]
    assert weighted_means(found) == {"accuracy": 0.75, "loss": 0.5}
    validated = trail.validate(seed, found)
    assert trail.get(seed.id) == validated == dataclasses.replace(seed, metrics={"accuracy": 0.75, "loss": 0.5})
    assert state.count(Validation) == 2
    assert trail.validate(seed, []).metrics == {}


def test_the_newest_is_where_the_next_session_starts(trail: Trail, state: SqliteStateStore, tmp_path: Path) -> None:
    trail.seed(file_of(tmp_path, SEED))
    second = trail.seed(file_of(tmp_path, SEED))
    assert trail.latest() == second
    assert control.read(state).latest_model == second.id
    assert state.count(Model) == 2
