"""Whole federations between stores: every document with its numbers, every file that one names."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from contract.state_values import combiner

from fedn.config import FileStorageSettings, SqliteSettings
from fedn.errors import Conflict, Corrupt, NotFound
from fedn.stores.documents import Combiner, Model, Package
from fedn.stores.opening import open_artifacts, open_state
from fedn.stores.protocols import ArtifactStore, Delete, Insert, Put, StateStore
from fedn.stores.transfer import (
    MODELS,
    PACKAGES,
    Moved,
    Progress,
    check_still_named,
    copy_documents,
    copy_files,
    is_empty,
)

CONTENTS = {"a": b"first model", "b": b"second model" * 200_000}
PACKAGE = b"a package"


@dataclass(frozen=True)
class Pair:
    state: StateStore
    artifacts: ArtifactStore


@contextlib.contextmanager
def pair(folder: Path, network_id: str, state: Any = None, storage: Any = None) -> Iterator[Pair]:
    where = {"network_id": network_id, "data_dir": folder}
    with (
        contextlib.closing(open_state(state or SqliteSettings(), **where)) as opened,
        contextlib.closing(open_artifacts(storage or FileStorageSettings(), **where)) as artifacts,
    ):
        yield Pair(opened, artifacts)


def fill(there: Pair) -> None:
    """Two models, a package, a combiner that changed, a hole in the numbers, and a file of nobody's."""
    for key, content in CONTENTS.items():
        stored = there.artifacts.put(MODELS, key, content)
        there.state.write(Insert(Model(id=key, size=stored.size, sha256=stored.sha256, committed_at=1.5)))
    stored = there.artifacts.put(PACKAGES, hashlib.sha256(PACKAGE).hexdigest(), PACKAGE)
    there.state.write(
        Insert(Package(id=stored.sha256, name="p.tgz", size=stored.size, md5="", helper="", uploaded_at=1.0)),
        Insert(combiner("gone")),
        Insert(combiner("c")),
        Delete(Combiner, "gone"),
        Put(combiner("c", port=9)),
    )
    there.artifacts.put(MODELS, "orphan", b"of nobody")


@pytest.fixture
def source(tmp_path: Path, network_id: str) -> Iterator[Pair]:
    with pair(tmp_path / "source", network_id) as found:
        fill(found)
        yield found


@pytest.fixture(params=["embedded", "servers"])
def target(request: pytest.FixtureRequest, tmp_path: Path, network_id: str) -> Iterator[Pair]:
    servers = [request.getfixturevalue(name) if request.param == "servers" else None for name in ("mongo", "s3")]
    with pair(tmp_path / "target", network_id, *servers) as found:
        yield found


def copy(here: Pair, there: Pair) -> tuple[Moved, list[Progress]]:
    moved, seen = Moved(), list[Progress]()
    copy_files(here.state, here.artifacts, there.artifacts, moved, report=seen.append)
    copy_documents(here.state, there.state, moved)
    return moved, seen


def test_all_arrives_and_nothing_else(source: Pair, target: Pair) -> None:
    assert is_empty(target.state)
    moved, seen = copy(source, target)
    assert list(target.state.dump()) == list(source.state.dump())
    assert target.artifacts.list(MODELS) == ["a", "b"]
    assert {key: target.artifacts.read(MODELS, key) for key in CONTENTS} == CONTENTS
    assert target.artifacts.read(PACKAGES, hashlib.sha256(PACKAGE).hexdigest()) == PACKAGE
    total = sum(map(len, CONTENTS.values())) + len(PACKAGE)
    assert (moved.files, moved.present, moved.bytes, moved.orphans) == (3, 0, total, 1)
    assert moved.documents == {"control.model": 2, "control.packages": 1, "network.combiners": 1}
    assert [progress.done for progress in seen] == [0, 1, 2, 3]
    assert seen[-1] == Progress(3, 3, total)


def test_numbers_go_on_above_those_that_came(source: Pair, target: Pair) -> None:
    copy(source, target)
    highest = max(max(record.seq, record.revision) for record in target.state.dump())
    target.state.write(Insert(combiner("new")))
    assert target.state.find(Combiner)[0] == (highest + 1, combiner("new"))


def test_what_is_there_is_not_sent_again_and_what_differs_is(source: Pair, target: Pair) -> None:
    moved = Moved()
    copy_files(source.state, source.artifacts, target.artifacts, moved, report=lambda _: None)
    target.artifacts.put(MODELS, "a", b"other model")
    moved = Moved()
    copy_files(source.state, source.artifacts, target.artifacts, moved, report=lambda _: None)
    assert (moved.files, moved.present) == (3, 2)
    assert target.artifacts.read(MODELS, "a") == CONTENTS["a"]


def test_documents_do_not_go_where_documents_are(source: Pair, target: Pair) -> None:
    target.state.write(Insert(combiner("here")))
    with pytest.raises(Conflict, match="has documents"):
        copy_documents(source.state, target.state, Moved())
    assert [record.document for record in target.state.dump()] == [combiner("here")]


def test_a_file_that_changed_is_named(source: Pair, target: Pair) -> None:
    source.artifacts.put(MODELS, "b", b"!" * len(CONTENTS["b"]))
    with pytest.raises(Corrupt, match="the file of the model b is damaged"):
        copy(source, target)
    assert is_empty(target.state)
    assert target.artifacts.size(MODELS, "b") is None


def test_a_file_that_is_missing_is_named(source: Pair, target: Pair) -> None:
    source.artifacts.delete(PACKAGES, hashlib.sha256(PACKAGE).hexdigest())
    with pytest.raises(NotFound, match=r"the file of the compute package [0-9a-f]{64} is missing"):
        copy(source, target)
    assert is_empty(target.state)


def test_a_model_that_was_deleted_meanwhile_is_told_from_one_that_is_lost(source: Pair, target: Pair) -> None:
    copy_documents(source.state, target.state, Moved())
    error = NotFound("the file is missing")
    check_still_named(source.state, error, target.state)
    source.state.clear([Model])
    with pytest.raises(Conflict, match="2 models or packages were deleted while"):
        check_still_named(source.state, error, target.state)
