"""The state store in a MongoDB database: for a network of several hosts, with a reducer that can be replaced."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import groupby, islice
from threading import Lock

from pymongo import ASCENDING, DESCENDING, ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError, DuplicateKeyError
from pymongo.read_concern import ReadConcern

from fedn.config import MongoSettings
from fedn.errors import ConfigError, Conflict, Corrupt, NotFound, StaleRevision, Unavailable
from fedn.stores import mongo_layout
from fedn.stores.document import Body, Document, T
from fedn.stores.documents import KINDS
from fedn.stores.mongo_bodies import from_bson, query, to_bson
from fedn.stores.mongo_client import Connection
from fedn.stores.mongo_dump import dump
from fedn.stores.mongo_lease import HEAD, Lead, check_lease, leader
from fedn.stores.protocols import MADE_LATER, Change, Delete, Insert, Record, Where, check_text

SNAPSHOT = ReadConcern("snapshot")
BATCH = 500
"""Documents that `load` adds in one transaction."""


class MongoStateStore:
    """A `StateStore` in the database `network_id`, made when missing. Any number of processes may have it open.

    A collection a kind. Every write is a transaction that goes first through one document, the *head*, where the
    counter stands and who leads: so writes are in a row, and one that no longer leads makes none.

    Args:
        make: Whether to make the database where there is none.

    Raises:
        ConfigError: The settings don't lead to a replica set, or a later version of FEDn made the database.
        Forbidden: The user lacks a right.
        NotFound: There is no database, and none is to be made. It could be: a write was tried, and taken back.
    """

    def __init__(self, settings: MongoSettings, *, network_id: str, make: bool = True) -> None:
        self._connection = Connection(settings, network_id=network_id)
        self._writing = Lock()
        self._lead: Lead | None = None
        try:
            with self._connection.mapped_errors():
                self._database = self._connection.client[network_id]
                self._heads = self._database["network.reducer"]
            self._connection.check_kind()
            self._prepare(make=make)
        except BaseException:
            self._connection.client.close()
            raise

    def _prepare(self, *, make: bool) -> None:
        with self._connection.mapped_errors():
            head = self._heads.find_one({"_id": HEAD})
            if head is None and make:
                head = mongo_layout.make(self._database, self._heads)
            elif make:
                mongo_layout.complete(self._database)
        if head is None:
            self._try_out()
            place = f"MongoDB at {self._connection.place}"
            raise NotFound(f"{place} has no database {self._database.name} yet", hint=MADE_LATER)
        mongo_layout.check(self._database, head)
        self._unfinished = head["loading"]

    def get(self, kind: type[T], id: str) -> T | None:  # noqa: A002
        found = self.get_record(kind, id)
        return found and found[0]

    def get_record(self, kind: type[T], id: str) -> tuple[T, int] | None:  # noqa: A002
        check_text(id, what="id")
        self._check_finished()
        with self._connection.mapped_errors():
            found = self._database[kind.KIND].find_one({"_id": id})
        return None if found is None else (from_bson(kind, found), int(found["revision"]))

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
        condition = query(kind, where)
        seqs = {name: seq for name, seq in (("$lt", before), ("$gt", after)) if seq is not None}
        if seqs:
            condition["seq"] = seqs
        if limit == 0:  # which is no limit to MongoDB
            return []
        order = DESCENDING if newest_first else ASCENDING
        with self._reading() as session:
            found = self._database[kind.KIND].find(condition, session=session).sort("seq", order).limit(limit or 0)
            return [(int(body["seq"]), from_bson(kind, body)) for body in found]

    def count(self, kind: type[Document], *, where: Where | None = None) -> int:
        condition = query(kind, where)
        with self._reading() as session:
            return self._database[kind.KIND].count_documents(condition, session=session)

    def write(self, *changes: Change) -> None:
        def apply(session: ClientSession, head: Body) -> None:
            for number, change in enumerate(changes, start=int(head["counter"]) - len(changes) + 1):
                self._apply(session, change, number)

        self._transaction(apply, numbers=len(changes))

    def clear(self, kinds: Iterable[type[Document]]) -> None:
        kinds = list(kinds)

        def apply(session: ClientSession, _head: Body) -> None:
            for kind in kinds:
                self._database[kind.KIND].delete_many({}, session=session)

        self._transaction(apply)

    def dump(self) -> Iterator[Record]:
        self._check_finished()
        with self._connection.mapped_errors():
            yield from dump(self._connection.client, self._database)

    def load(self, records: Iterable[Record]) -> None:
        with self._leading(f"a load of {self._database.name}"):
            self._transaction(self._begin_load, loading=True)
            self._unfinished, highest, rest = True, 0, iter(records)
            while batch := list(islice(rest, BATCH)):
                self._transaction(partial(self._add, batch), loading=True)
                highest = max(highest, *(max(record.seq, record.revision) for record in batch))
            self._transaction(partial(self._end_load, highest), loading=True)
            self._unfinished = False

    def lead(self, holder: str, *, on_lost: Callable[[], None]) -> None:
        self._lead = Lead(self._connection, self._heads, holder, on_lost)

    def leader(self) -> str:
        return leader(self._connection, self._heads)

    def check(self) -> str:
        probe = {"_id": f"check-{uuid.uuid4().hex}"}

        def try_out(session: ClientSession) -> None:
            self._heads.insert_one(probe, session=session)
            if self._heads.find_one(probe, session=session) is None:
                raise Corrupt(f"MongoDB at {self._connection.place} does not keep what is written")
            self._heads.delete_one(probe, session=session)

        self._check_finished()
        with self._connection.bounded(), self._connection.client.start_session() as session:
            session.with_transaction(try_out, read_concern=SNAPSHOT)
            version = self._connection.client.server_info()["version"]
        return f"MongoDB {version} at {self._connection.place}, database {self._database.name}"

    def close(self) -> None:
        if self._lead:
            self._lead.release()
            self._lead = None
        self._connection.client.close()

    def _try_out(self) -> None:
        """A write that is taken back, and so makes no collection; raises what `check` does."""
        with self._connection.bounded(), self._connection.client.start_session() as session:
            session.start_transaction(read_concern=SNAPSHOT)
            self._heads.insert_one({"_id": f"check-{uuid.uuid4().hex}"}, session=session)
            session.abort_transaction()

    def _check_finished(self) -> None:
        if self._unfinished:
            with self._connection.mapped_errors():
                head = self._heads.find_one({"_id": HEAD})
            self._unfinished = head is not None and head["loading"]
            if self._unfinished:
                raise self._half_loaded()

    def _half_loaded(self) -> ConfigError:
        return ConfigError(
            f"loading the database {self._database.name} was begun and not ended", hint="restore or migrate once more"
        )

    @contextmanager
    def _reading(self) -> Iterator[ClientSession]:
        """A session whose reading is of one moment: without it, a long search may see the half of a write."""
        self._check_finished()
        with self._connection.mapped_errors(), self._connection.client.start_session(snapshot=True) as session:
            yield session

    def _transaction(
        self, apply: Callable[[ClientSession, Body], None], *, numbers: int = 0, loading: bool = False
    ) -> None:
        """Takes `numbers` and has the head as it is then, and the session, put to `apply`; all or nothing."""

        def attempt(session: ClientSession) -> None:
            head = self._heads.find_one_and_update(
                {"_id": HEAD},
                [{"$set": {"counter": {"$add": ["$counter", numbers]}, "at": "$$NOW"}}],
                return_document=ReturnDocument.AFTER,
                session=session,
            )
            if head is None:
                raise Corrupt(f"the database {self._database.name} lost its document {self._heads.name} {HEAD!r}")
            lead = self._lead
            if lead and head["lease"]["epoch"] != lead.epoch:
                lead.lost()
                raise Conflict(
                    f"{head['lease']['holder']} leads the state store now", hint="here nothing is written any more"
                )
            check_lease(head, lead.epoch if lead else "")
            if head["loading"] and not loading:
                raise self._half_loaded()
            apply(session, head)

        timeout = self._connection.settings.timeout
        if not self._writing.acquire(timeout=timeout):
            raise Unavailable(f"MongoDB at {self._connection.place}: earlier writes are still under way")
        try:
            with self._connection.bounded(), self._connection.client.start_session() as session:
                session.with_transaction(attempt, read_concern=SNAPSHOT)
        finally:
            self._writing.release()

    def _apply(self, session: ClientSession, change: Change, number: int) -> None:
        if isinstance(change, Delete):
            check_text(change.id, what="id")
            self._database[change.kind.KIND].delete_one({"_id": change.id}, session=session)
            return
        document = change.document
        check_text(document.id, what="id")
        collection = self._database[document.KIND]
        if isinstance(change, Insert):
            try:
                collection.insert_one(to_bson(document, seq=number, revision=number), session=session)
            except DuplicateKeyError as error:
                raise Conflict(f"{document.KIND} already has {document.id!r}") from error
            return
        found = collection.find_one({"_id": document.id}, {"seq": 1, "revision": 1}, session=session)
        if change.revision is not None and (found is None or found["revision"] != change.revision):
            raise StaleRevision(
                f"{document.KIND} {document.id!r} is no longer at revision {change.revision}", hint="read it again"
            )
        body = to_bson(document, seq=found["seq"] if found else number, revision=number)
        collection.replace_one({"_id": document.id}, body, upsert=True, session=session)

    @contextmanager
    def _leading(self, holder: str) -> Iterator[None]:
        if self._lead:
            yield
            return
        self.lead(holder, on_lost=lambda: None)
        try:
            yield
        finally:
            lead, self._lead = self._lead, None
            if lead:
                lead.release()

    def _begin_load(self, session: ClientSession, head: Body) -> None:
        for kind in KINDS:
            collection = self._database[kind.KIND]
            if head["loading"]:
                collection.delete_many({}, session=session)
            elif collection.find_one({}, {"_id": 1}, session=session):
                raise Conflict(f"the database {self._database.name} has documents", hint="load into an empty one")
        self._heads.update_one({"_id": HEAD}, {"$set": {"loading": True}}, session=session)

    def _add(self, batch: list[Record], session: ClientSession, _head: Body) -> None:
        for kind, records in groupby(batch, key=lambda record: record.document.KIND):
            bodies = [to_bson(record.document, seq=record.seq, revision=record.revision) for record in records]
            try:
                self._database[kind].insert_many(bodies, session=session)
            except BulkWriteError as error:
                raise Conflict(f"{kind}: a document comes twice") from error

    def _end_load(self, highest: int, session: ClientSession, _head: Body) -> None:
        end = {"$set": {"loading": False}, "$max": {"counter": highest}}
        self._heads.update_one({"_id": HEAD}, end, session=session)
