"""What a network's database in MongoDB is made of, and how it is made."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from pymongo import ASCENDING, IndexModel
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, OperationFailure

from fedn.errors import ConfigError
from fedn.stores.document import Body, Document
from fedn.stores.documents import KINDS, Round
from fedn.stores.mongo_lease import HEAD, NOBODY

LAYOUT = 1
"""Of the database; one with a higher number was made by a later version."""

ROUND_TIME = "control.round_time"
"""A view of the rounds' times by the name that scripts of the first release know."""

NAMESPACE_EXISTS = 48


def make(database: Database[dict[str, Any]], heads: Collection[dict[str, Any]]) -> Body:
    """The head, with all that belongs to it: whatever of that is missing is made.

    Several processes may do so at a time. `complete` alone does for a database that has a head.
    """
    complete(database)
    shown = {"_id": 0, "round": "$_id", "session": "$session_id", "number": 1, "round_time": "$seconds.total"}
    try:
        database.command("create", ROUND_TIME, viewOn=Round.KIND, pipeline=[{"$project": shown}])
    except OperationFailure as error:
        if error.code != NAMESPACE_EXISTS:
            raise
    # Last, so that what has a head has all the rest.
    first = {"layout": LAYOUT, "counter": 0, "loading": False, "lease": NOBODY}
    with suppress(DuplicateKeyError):
        heads.update_one({"_id": HEAD}, {"$setOnInsert": first}, upsert=True)
    return heads.find_one({"_id": HEAD}) or first


def complete(database: Database[dict[str, Any]]) -> None:
    """Make the collections, with their indexes, of kinds that the database doesn't have: a later version's are new."""
    there = set(database.list_collection_names())
    for kind in KINDS:
        if kind.KIND not in there:
            database[kind.KIND].create_indexes(_indexes(kind))


def check(database: Database[dict[str, Any]], head: Body) -> None:
    """`ConfigError` for a database of a later version."""
    if head["layout"] > LAYOUT:
        raise ConfigError(
            f"the database {database.name} has layout {head['layout']}; this version of FEDn knows none above {LAYOUT}",
            hint="upgrade FEDn, or choose another network_id",
        )


def _indexes(kind: type[Document]) -> list[IndexModel]:
    fields = [name for name in ("session_id", "model_id", "state") if name in kind.__dataclass_fields__]
    return [IndexModel([("seq", ASCENDING)], unique=True), *(IndexModel([(name, ASCENDING)]) for name in fields)]
