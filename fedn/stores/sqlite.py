"""The state store in one SQLite file: the default on one machine."""

from __future__ import annotations

import json
import math
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from fedn.errors import ConfigError, Conflict, Corrupt, NotFound, StaleRevision, Unavailable
from fedn.stores.document import Body, Document, T
from fedn.stores.documents import KINDS
from fedn.stores.lease import Lease, holder_of
from fedn.stores.protocols import MADE_LATER, Change, Delete, Insert, Record, Where, check_text, check_where

# `plain` holds the fields that can be filtered on and is strict JSON, so that SQLite reads it. `nested` holds the
# others and is opaque to SQLite: NaN may stand there, which SQLite before 3.42 takes for broken JSON.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE document (
            seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL,
            plain TEXT NOT NULL, nested TEXT NOT NULL, UNIQUE (kind, id)
        )""",
        "CREATE INDEX document_kind ON document (kind)",
        # What `find` and `count` look up; any other field makes them scan the documents of the kind.
        "CREATE INDEX document_session ON document (kind, json_extract(plain, '$.session_id'))",
        "CREATE INDEX document_model ON document (kind, json_extract(plain, '$.model_id'))",
        "CREATE INDEX document_state ON document (kind, json_extract(plain, '$.state'))",
        "CREATE TABLE counter (value INTEGER NOT NULL)",
        "INSERT INTO counter VALUES (0)",
    ),
)
"""Statements that lead from each layout of the file to the next, never edited once released.

`PRAGMA user_version` says which layout a file has.
"""

BUSY_SECONDS = 30.0
"""How long a write waits for another process that is writing, before it is `Unavailable`."""

_INSERT = (
    "INSERT INTO document (seq, kind, id, revision, plain, nested) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (kind, id) "
)
_encode = json.JSONEncoder(separators=(",", ":")).encode


class SqliteStateStore:
    """A `StateStore` in the file `path`, made when missing. Several processes may have it open.

    One connection writes and one reads, each behind a lock. In SQLite's write-ahead log a reader doesn't wait for the
    writer.

    Args:
        make: Whether to make the file where there is none.

    Raises:
        ConfigError: A newer version of FEDn wrote the file.
        Corrupt: It is no SQLite file, or a damaged one.
        NotFound: There is none, and none is to be made.
    """

    def __init__(self, path: Path, *, make: bool = True) -> None:
        if not make and not path.exists():
            raise NotFound(f"there is no {path} yet", hint=MADE_LATER)
        self._path = path
        self._lead: Lease | None = None
        self._writing, self._reading = Lock(), Lock()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"state store {path}: {error}") from error
        with _mapped_errors(path):
            self._writer, self._reader = (
                sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
                for _ in range(2)
            )
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        with _mapped_errors(self._path):
            self._writer.execute("PRAGMA journal_mode = WAL")
            self._writer.execute("PRAGMA synchronous = FULL")
        with self._transaction() as writer:
            (layout,) = writer.execute("PRAGMA user_version").fetchone()
            if layout > len(MIGRATIONS):
                raise ConfigError(
                    f"{self._path} has layout {layout}; this version of FEDn knows none above {len(MIGRATIONS)}",
                    hint="upgrade FEDn, or choose another file for the state store",
                )
            for statements in MIGRATIONS[layout:]:
                for statement in statements:
                    writer.execute(statement)
            writer.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def get(self, kind: type[T], id: str) -> T | None:  # noqa: A002
        found = self.get_record(kind, id)
        return found and found[0]

    def get_record(self, kind: type[T], id: str) -> tuple[T, int] | None:  # noqa: A002
        check_text(id, what="id")
        rows = self._read("SELECT plain, nested, revision FROM document WHERE kind = ? AND id = ?", kind.KIND, id)
        return next(((_decode(kind, plain, nested), revision) for plain, nested, revision in rows), None)

    def find(
        self,
        kind: type[T],
        *,
        where: Where | None = None,
        newest_first: bool = True,
        limit: int | None = None,
        before: int | None = None,
        after: int | None = None,
    ) -> list[tuple[int, T]]:
        condition, values = _condition(kind, where)
        for comparison, seq in (("<", before), (">", after)):
            if seq is not None:
                condition += f" AND seq {comparison} ?"
                values.append(seq)
        order = "DESC" if newest_first else "ASC"
        rows = self._read(
            f"SELECT seq, plain, nested FROM document WHERE {condition} ORDER BY seq {order} LIMIT ?",  # noqa: S608
            *values,
            -1 if limit is None else limit,
        )
        return [(seq, _decode(kind, plain, nested)) for seq, plain, nested in rows]

    def count(self, kind: type[Document], *, where: Where | None = None) -> int:
        condition, values = _condition(kind, where)
        ((number,),) = self._read(f"SELECT count(*) FROM document WHERE {condition}", *values)  # noqa: S608
        return int(number)

    def write(self, *changes: Change) -> None:
        with self._transaction() as writer:
            (last,) = writer.execute("SELECT value FROM counter").fetchone()
            for number, change in enumerate(changes, start=last + 1):
                _apply(writer, change, number)
            writer.execute("UPDATE counter SET value = value + ?", (len(changes),))

    def clear(self, kinds: Iterable[type[Document]]) -> None:
        with self._transaction() as writer:
            writer.executemany("DELETE FROM document WHERE kind = ?", [(kind.KIND,) for kind in kinds])

    def dump(self) -> Iterator[Record]:
        kinds = {kind.KIND: kind for kind in KINDS}
        # A connection of its own: its view stays as of now for as long as the records are being taken.
        with _mapped_errors(self._path), closing(sqlite3.connect(self._path, timeout=BUSY_SECONDS)) as reader:
            rows = reader.execute("SELECT seq, revision, kind, plain, nested FROM document ORDER BY seq")
            for seq, revision, kind, plain, nested in rows:
                yield Record(seq, revision, _decode(kinds[kind], plain, nested))

    def load(self, records: Iterable[Record]) -> None:
        with self._transaction() as writer:
            (count,) = writer.execute("SELECT count(*) FROM document").fetchone()
            if count:
                raise Conflict(f"{self._path} has documents", hint="load into an empty store")
            (highest,) = writer.execute("SELECT value FROM counter").fetchone()
            for record in records:
                highest = max(highest, record.seq, record.revision)
                try:
                    is_new = _insert(writer, record.document, seq=record.seq, revision=record.revision)
                except sqlite3.IntegrityError as error:
                    raise Conflict(f"the number {record.seq} comes twice") from error
                if not is_new:
                    raise Conflict(f"{record.document.KIND} {record.document.id!r} comes twice")
            writer.execute("UPDATE counter SET value = ?", (highest,))

    def lead(self, holder: str, *, on_lost: Callable[[], None]) -> None:
        """As the protocol says; a file's lock is never lost."""
        self._lead = Lease(self._path.parent, name=f"{self._path.name}.lock", holder=holder)

    def leader(self) -> str:
        return holder_of(self._path.parent, name=f"{self._path.name}.lock")

    def check(self) -> str:
        probe = f"check-{uuid.uuid4().hex}"
        with self._reading, _mapped_errors(self._path):
            (verdict,) = self._reader.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise Corrupt(f"state store {self._path}: {verdict}", hint="restore it from a backup")
        with self._transaction() as writer:
            writer.execute("CREATE TABLE probe (id TEXT)")
            writer.execute("INSERT INTO probe VALUES (?)", (probe,))
            if writer.execute("SELECT id FROM probe").fetchone() != (probe,):
                raise Corrupt(f"state store {self._path} does not keep what is written")
            writer.execute("DROP TABLE probe")
        return f"SQLite {sqlite3.sqlite_version} in {self._path}"

    def close(self) -> None:
        if self._lead is not None:
            self._lead.release()
        with self._writing, self._reading:
            self._reader.close()
            self._writer.close()

    def _read(self, statement: str, *values: object) -> list[Any]:
        with self._reading, _mapped_errors(self._path):
            return self._reader.execute(statement, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._writing, _mapped_errors(self._path):
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            finally:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")


@contextmanager
def _mapped_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.OperationalError, sqlite3.ProgrammingError) as error:
        raise Unavailable(f"state store {path}: {error}") from error
    except sqlite3.DatabaseError as error:
        raise Corrupt(
            f"state store {path}: {error}", hint="restore it from a backup, or choose another file"
        ) from error


def _apply(writer: sqlite3.Connection, change: Change, number: int) -> None:
    if isinstance(change, Delete):
        check_text(change.id, what="id")
        writer.execute("DELETE FROM document WHERE kind = ? AND id = ?", (change.kind.KIND, change.id))
        return
    document = change.document
    check_text(document.id, what="id")
    if isinstance(change, Insert):
        if not _insert(writer, document, seq=number, revision=number):
            raise Conflict(f"{document.KIND} already has {document.id!r}")
        return
    row = _row(document, seq=number, revision=number)
    if change.revision is None:
        updates = "DO UPDATE SET revision = excluded.revision, plain = excluded.plain, nested = excluded.nested"
        writer.execute(_INSERT + updates, row)
    else:
        replace = "UPDATE document SET revision = ?, plain = ?, nested = ? WHERE kind = ? AND id = ? AND revision = ?"
        expected = (document.KIND, document.id, change.revision)
        if not writer.execute(replace, row[3:] + expected).rowcount:
            raise StaleRevision(
                f"{document.KIND} {document.id!r} is no longer at revision {change.revision}", hint="read it again"
            )


def _insert(writer: sqlite3.Connection, document: Document, *, seq: int, revision: int) -> bool:
    """Whether the document's id was free."""
    return bool(writer.execute(_INSERT + "DO NOTHING", _row(document, seq=seq, revision=revision)).rowcount)


def _row(document: Document, *, seq: int, revision: int) -> tuple[int, str, str, int, str, str]:
    plain, nested = _split(document.to_body())
    return seq, document.KIND, document.id, revision, _encode(plain), _encode(nested)


def _split(body: Body) -> tuple[Body, Body]:
    plain: Body = {}
    nested: Body = {}
    for name, value in body.items():
        (plain if _is_plain(value) else nested)[name] = value
    return plain, nested


def _is_plain(value: object) -> bool:
    if isinstance(value, str):
        return "\0" not in value  # where SQLite would take a text to end
    return value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def _decode(kind: type[T], plain: str, nested: str) -> T:
    return kind.from_body(json.loads(plain) | json.loads(nested))


def _condition(kind: type[Document], where: Where | None) -> tuple[str, list[object]]:
    where = where or {}
    check_where(kind, where)  # its field names go into the statement
    terms = ["kind = ?", *(f"json_extract(plain, '$.{name}') IS ?" for name in where)]
    return " AND ".join(terms), [kind.KIND, *where.values()]
