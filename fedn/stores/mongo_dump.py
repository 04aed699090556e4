"""A MongoDB database as of one moment."""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterator
from typing import Any

import bson
from pymongo import ASCENDING, MongoClient
from pymongo.database import Database
from pymongo.read_concern import ReadConcern

from fedn.stores.document import Body
from fedn.stores.documents import KINDS
from fedn.stores.mongo_bodies import from_bson
from fedn.stores.protocols import Record


def dump(client: MongoClient[dict[str, Any]], database: Database[dict[str, Any]]) -> Iterator[Record]:
    """Every document in the order of `seq`.

    They are first written to a temporary file: the server keeps a moment in view for a minute only, and whoever takes
    the records may take longer.
    """
    kinds = {kind.KIND: kind for kind in KINDS}
    with tempfile.TemporaryFile() as spool:
        with client.start_session() as session, session.start_transaction(read_concern=ReadConcern("snapshot")):

            def bodies(name: str) -> Iterator[tuple[str, Body]]:
                return ((name, body) for body in database[name].find(session=session).sort("seq", ASCENDING))

            for name, body in heapq.merge(*map(bodies, kinds), key=lambda found: int(found[1]["seq"])):
                spool.write(bson.encode({"kind": name, "body": body}))
        spool.seek(0)
        for found in bson.decode_file_iter(spool):
            body = found["body"]
            yield Record(int(body["seq"]), int(body["revision"]), from_bson(kinds[found["kind"]], body))
