"""The artifact store in a folder: the contract, and what becomes of crashes and of a disk that fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from contract.artifact_store import MODELS, ArtifactStoreContract

from fedn.errors import NotFound, Unavailable
from fedn.stores.files import FileArtifactStore
from fedn.stores.protocols import ArtifactStore

PUT_FOR_EVER = """
import sys
from io import BytesIO
from pathlib import Path
from fedn.stores.files import FileArtifactStore

store = FileArtifactStore(Path(sys.argv[1]))
for number in range(3):
    store.put("fedn-models", f"done-{number}", bytes([number]) * 100_000)

class Endless(BytesIO):
    def read(self, size=-1):
        print("reading", flush=True)
        return b"x" * 1000

store.put("fedn-models", "done-0", Endless())
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "reducer" / "artifacts"


@pytest.fixture
def store(root: Path) -> FileArtifactStore:
    return FileArtifactStore(root)


class TestFileArtifactStore(ArtifactStoreContract):
    pass


def test_files_outlast_the_process(root: Path, store: FileArtifactStore) -> None:
    store.put(MODELS, "m", b"content")
    store.close()
    assert FileArtifactStore(root).read(MODELS, "m") == b"content"


def test_a_killed_put_changes_nothing_and_is_swept(root: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", PUT_FOR_EVER, root], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(5):
            next(writer.stdout)
        writer.kill()
    assert len(list((root / MODELS).iterdir())) == 4
    store = FileArtifactStore(root)
    assert len(list((root / MODELS).iterdir())) == 3
    assert store.list(MODELS) == ["done-0", "done-1", "done-2"]
    assert all(store.read(MODELS, f"done-{number}") == bytes([number]) * 100_000 for number in range(3))


def test_a_file_in_use_outlives_its_replacement(store: FileArtifactStore) -> None:
    store.put(MODELS, "m", b"first")
    with store.open(MODELS, "m") as stream:
        store.put(MODELS, "m", b"second")
        assert stream.read() == b"first"


def test_the_path_of_nothing_is_not_found(store: FileArtifactStore) -> None:
    with pytest.raises(NotFound):
        store.path(MODELS, "m")


def test_there_are_no_urls(root: Path) -> None:
    store: ArtifactStore = FileArtifactStore(root)
    store.put(MODELS, "m", b"")
    assert store.presign(MODELS, "m", seconds=60) is None


def test_a_missing_source_is_named(store: FileArtifactStore, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no-such-source"):
        store.put(MODELS, "m", tmp_path / "no-such-source")
    assert store.list(MODELS) == []


def test_a_folder_that_cannot_be_used_is_named(root: Path) -> None:
    root.parent.mkdir()
    root.write_text("a file")
    with pytest.raises(Unavailable, match="artifacts"):
        FileArtifactStore(root)


def test_a_bucket_that_cannot_be_used_is_named(root: Path, store: FileArtifactStore) -> None:
    (root / MODELS).write_text("a file")
    for look in (store.open, store.read, store.size, store.delete):
        with pytest.raises(Unavailable, match=MODELS):
            look(MODELS, "m")
    with pytest.raises(Unavailable, match=MODELS):
        store.list(MODELS)
    with pytest.raises(Unavailable, match=MODELS):
        store.put(MODELS, "m", b"")
