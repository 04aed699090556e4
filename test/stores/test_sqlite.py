"""The SQLite state store: the contract, and what a file shared with other processes and versions adds."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from contract.state_moves import Opened
from contract.state_store import StateStoreContract
from contract.state_values import combiner, model

from fedn.errors import ConfigError, Corrupt, NotFound, Unavailable
from fedn.stores.documents import Combiner, Model
from fedn.stores.protocols import Insert
from fedn.stores.sqlite import SqliteStateStore

WRITE_PAIRS = """
import sys
from pathlib import Path
from fedn.stores.documents import Combiner, Model
from fedn.stores.protocols import Insert
from fedn.stores.sqlite import SqliteStateStore

store, number = SqliteStateStore(Path(sys.argv[1])), 0
while True:
    store.write(
        Insert(Model(id=str(number), size=1, sha256="", committed_at=0.0)),
        Insert(Combiner(id=str(number), host="", port=1, max_clients=1, joined_at=0.0)),
    )
    print(number, flush=True)
    number += 1
"""

COUNT_UP = """
import sys
from dataclasses import replace
from pathlib import Path
from fedn.errors import StaleRevision
from fedn.stores.documents import Combiner
from fedn.stores.protocols import Put
from fedn.stores.sqlite import SqliteStateStore

store, done = SqliteStateStore(Path(sys.argv[1])), 0
while done < 100:
    combiner, revision = store.get_record(Combiner, "c")
    try:
        store.write(Put(replace(combiner, port=combiner.port + 1), revision=revision))
        done += 1
    except StaleRevision:
        pass
store.close()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reducer" / "state.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStateStore]:
    store = SqliteStateStore(path)
    yield store
    store.close()


@pytest.fixture
def opened(path: Path) -> Iterator[Opened]:
    with contextlib.ExitStack() as stack:
        names = {"same": path.name}
        yield lambda name: stack.enter_context(
            contextlib.closing(SqliteStateStore(path.with_name(names.get(name, f"{name}.db"))))
        )


class TestSqliteStateStore(StateStoreContract):
    pass


def test_documents_outlast_the_process(path: Path) -> None:
    store = SqliteStateStore(path)
    store.write(Insert(model("a")), Insert(model("b")))
    found = store.find(Model)
    store.close()
    store = SqliteStateStore(path)
    assert store.find(Model) == found
    store.write(Insert(model("c")))
    assert store.find(Model)[0][0] > found[0][0]
    store.close()


def test_a_killed_writer_loses_no_acknowledged_write_and_leaves_none_by_half(path: Path) -> None:
    for life in range(3):
        file = path.with_name(f"{life}.db")
        with subprocess.Popen([sys.executable, "-c", WRITE_PAIRS, file], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(20 + life):
                next(writer.stdout)
            writer.kill()
            acknowledged = 20 + life + len(writer.stdout.readlines())
        store = SqliteStateStore(file)
        models = [document.id for _, document in store.find(Model, newest_first=False)]
        combiners = [document.id for _, document in store.find(Combiner, newest_first=False)]
        store.close()
        assert models == combiners == [str(number) for number in range(len(models))]
        assert acknowledged <= len(models) <= acknowledged + 1


def test_processes_share_a_file(path: Path, store: SqliteStateStore) -> None:
    store.write(Insert(combiner("c", port=0)))
    writers = [subprocess.Popen([sys.executable, "-c", COUNT_UP, path]) for _ in range(2)]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert store.get(Combiner, "c") == combiner("c", port=200)


def test_readers_do_not_wait_for_a_writer(path: Path, store: SqliteStateStore) -> None:
    store.write(Insert(model("m")))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    other.execute("DELETE FROM document")
    assert store.get(Model, "m") == model("m")
    assert store.count(Model) == 1
    other.close()


def test_a_file_of_a_newer_version_is_refused(path: Path, store: SqliteStateStore) -> None:
    store.write(Insert(model("m")))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA user_version = 99")
    with pytest.raises(ConfigError, match=r"state\.db has layout 99.*upgrade"):
        SqliteStateStore(path)
    other.execute("PRAGMA user_version = 1")
    other.close()
    assert store.get(Model, "m") == model("m")


def test_a_file_of_another_kind_is_refused_and_left_alone(path: Path) -> None:
    path.parent.mkdir()
    content = b"The quick brown fox jumps over the lazy dog. " * 100
    path.write_bytes(content)
    with pytest.raises(Corrupt, match=r"state\.db"):
        SqliteStateStore(path)
    assert path.read_bytes() == content


def test_a_path_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "state.db", tmp_path):
        with pytest.raises(Unavailable, match=re.escape(str(path))):
            SqliteStateStore(path)


def test_a_closed_store_is_unavailable(store: SqliteStateStore) -> None:
    store.close()
    with pytest.raises(Unavailable, match="closed"):
        store.get(Model, "m")
    with pytest.raises(Unavailable, match="closed"):
        store.write(Insert(model("m")))


def test_where_no_file_is_none_is_made_for_a_look(path: Path) -> None:
    with pytest.raises(NotFound, match=r"there is no .*state\.db yet.*first start"):
        SqliteStateStore(path, make=False)
    assert not path.parent.exists()
    SqliteStateStore(path).close()
    SqliteStateStore(path, make=False).close()
