from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from federation import Federation, federation, seed_file

from fedn.api import Reducer
from fedn.errors import (
    ConfigError,
    Forbidden,
    InvalidInput,
    InvalidModel,
    InvalidPackage,
    NotFound,
    NotReady,
    Unauthenticated,
    Unavailable,
)
from fedn.package.archive import build
from fedn.package.create import create


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    with federation(tmp_path_factory.mktemp("federation")) as running:
        yield running


@pytest.fixture(scope="module")
def reducer(here: Federation) -> Reducer:
    return here.reducer


def test_it_says_what_it_is(reducer: Reducer) -> None:
    assert (reducer.health()["status"], reducer.ready()["status"]) == ("ok", "ready")
    assert reducer.url.startswith("https://localhost:")
    network = reducer.network()
    assert network["combiners"] == reducer.combiners()
    assert [one["name"] for one in network["combiners"]] == ["combiner"]
    assert (network["clients"], reducer.clients()) == ([], [])


def test_nothing_starts_without_a_model(reducer: Reducer) -> None:
    with pytest.raises(NotReady, match="seed"):
        reducer.start_session(rounds=1)


def test_a_session_from_seed_to_download(here: Federation, tmp_path: Path) -> None:
    reducer = here.reducer
    seed = reducer.seed_model(seed_file(tmp_path))
    with here.clients(3):
        session = reducer.start_session(rounds=2, clients_required=3)
        notices = list(reducer.watch_session(session.id))
    kinds = [kind for kind, _ in notices]
    assert kinds[0] == kinds[-1] == "session"
    assert kinds.count("model") == 2
    ended = reducer.session(session.id)
    assert (ended.state, ended.rounds_done, ended.start_model) == ("finished", 2, seed.id)
    assert [one.id for one in reducer.sessions(1)] == [session.id]

    newest, before, first = reducer.models()
    assert (newest.id, newest.parent, before.parent, first.id) == (ended.model_id, before.id, seed.id, seed.id)
    assert newest.metrics == {"mean": 2.0}
    assert sorted(update["client"] for update in reducer.model(newest.id).updates) == ["c0", "c1", "c2"]
    named = reducer.download_model(newest.id, tmp_path)
    assert named == tmp_path / f"model-{newest.id}.npz"
    assert named.read_bytes() == reducer.download_model(newest.id, tmp_path / "model.npz").read_bytes()
    with np.load(named) as model:
        np.testing.assert_array_equal(model["weights"], np.full(3, 2, np.float32))

    rounds = reducer.rounds(session.id)
    assert [(one.number, one.kind) for one in rounds] == [(2, "validate"), (2, "train"), (1, "validate"), (1, "train")]
    found = reducer.validations(model_id=newest.id)
    assert sorted(one.client for one in found) == ["c0", "c1", "c2"]
    assert len(reducer.validations(session_id=session.id, limit=4)) == 4
    assert {"session_started", "session_finished"} <= {one.kind for one in reducer.events()}


def test_a_session_is_stopped(here: Federation, tmp_path: Path) -> None:
    here.reducer.seed_model(seed_file(tmp_path))
    with here.clients(1):
        session = here.reducer.start_session(rounds=100_000, validate=False)
        here.reducer.stop_session(session.id)
        *_, (kind, last) = here.reducer.watch_session(session.id)
    assert (kind, last["state"]) == ("session", "stopped")


def test_lists_go_on_over_pages(here: Federation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = [here.reducer.seed_model(seed_file(tmp_path)).id for _ in range(5)]
    monkeypatch.setattr("fedn.api.calls._PAGE", 2)
    assert [one.id for one in here.reducer.models(5)] == seeds[::-1]
    assert [one.id for one in here.reducer.models(3)] == seeds[:1:-1]


def test_a_package_is_uploaded(reducer: Reducer, tmp_path: Path) -> None:
    create(tmp_path / "project", template_name="numpy")
    archive = build(tmp_path / "project", tmp_path / "points.tgz")
    uploaded = reducer.upload_package(archive)
    assert (uploaded.name, uploaded.size) == ("points.tgz", archive.stat().st_size)
    assert reducer.upload_package(archive).id == uploaded.id
    assert [one.id for one in reducer.packages()] == [uploaded.id]


def test_tokens_do_what_their_role_may(here: Federation, tmp_path: Path) -> None:
    made = here.reducer.create_token("viewer", days=1, name="v")
    with Reducer.connect(made["join"]) as viewer:
        assert viewer.network()["combiners"]
        with pytest.raises(Forbidden, match="viewer"):
            viewer.seed_model(seed_file(tmp_path))
        revoked = here.reducer.revoke_token(made["id"])
        assert revoked.revoked_at is not None
        with pytest.raises(Unauthenticated, match="revoked"):
            viewer.network()
    listed = {one.id: one for one in here.reducer.tokens()}
    assert (listed[made["id"]].role, listed[made["id"]].subject) == ("viewer", "v")


def test_what_is_wrong_is_said(reducer: Reducer, tmp_path: Path) -> None:
    junk = tmp_path / "junk.tgz"
    junk.write_bytes(b"nothing of the kind")
    with pytest.raises(InvalidModel):
        reducer.seed_model(junk)
    with pytest.raises(InvalidPackage):
        reducer.upload_package(junk)
    with pytest.raises(InvalidInput, match="rounds"):
        reducer.start_session(rounds=0)
    for ask in (reducer.model, reducer.session, reducer.revoke_token, reducer.stop_session):
        with pytest.raises(NotFound):
            ask("none/../such")
    with pytest.raises(NotFound):
        reducer.download_model("none", tmp_path / "none.npz")
    assert not (tmp_path / "none.npz").exists()


def test_no_reducer_is_said_at_once(here: Federation, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no reducer is known"):
        Reducer.connect(data_dir=tmp_path)
    join = (here.data_dir / "join" / "operator").read_text().strip()
    address = join.split("/")[2]
    with pytest.raises(Unavailable, match="localhost:1"):
        Reducer.connect(join.replace(address, "localhost:1"))
    with pytest.raises(Unauthenticated, match="another CA"):
        Reducer.connect(join.replace(join.split("/")[3], "0" * 64))
    with pytest.raises(Unauthenticated), Reducer.connect(f"{join[:-6]}AAAAAA") as forged:
        forged.network()
