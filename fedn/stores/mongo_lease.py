"""Who leads: one writer of a network's database, for as long as it renews its lease.

The lease stands in the document that every write goes through, so that a leader whose lease went to another can't
write, whatever it believes. Its instants are the server's own; clocks of other hosts don't matter.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from datetime import datetime
from threading import Event, Thread
from typing import Any

from pymongo import ReturnDocument
from pymongo.collection import Collection

from fedn.errors import Conflict, Corrupt, FednError
from fedn.stores.document import Body
from fedn.stores.mongo_client import Connection

log = logging.getLogger(__name__)

LEASE_SECONDS = 15.0
"""How long another waits after the last sign of a leader that didn't say goodbye."""

RENEWALS = 3
"""How often within that time a leader renews."""

HEAD = "head"
NOBODY: Body = {"holder": "", "epoch": "", "until": datetime(1970, 1, 1)}


class Lead:
    """The lease, taken; a thread renews it until `release`.

    Raises:
        Conflict: Another has it.
    """

    def __init__(
        self,
        connection: Connection,
        heads: Collection[dict[str, Any]],
        holder: str,
        on_lost: Callable[[], None],
    ) -> None:
        self._connection, self._heads, self._on_lost, self._seconds = connection, heads, on_lost, LEASE_SECONDS
        self.epoch = uuid.uuid4().hex
        self._over, self._lost = Event(), False
        taken = {"holder": {"$literal": holder}, "epoch": self.epoch, "until": self._until()}
        head = self._update({"at": "$$NOW"})
        check_lease(head, "")
        # Only while the former lease stands as it was found free: of several that find it so, one is the first.
        former = {f"lease.{name}": head["lease"][name] for name in ("epoch", "until")}
        if self._find(former, {"lease": taken}) is None:
            check_lease(self._update({"at": "$$NOW"}), "")
            raise Conflict("the lease on the state store changes hands", hint="try again")
        self._thread = Thread(target=self._renew, name="lease", daemon=True)
        self._thread.start()

    def lost(self) -> None:
        """Another leads: has `on_lost` called."""
        self._lost = True
        self._over.set()

    def release(self) -> None:
        """Gives the lease back, so that another need not wait for its end."""
        self._over.set()
        self._thread.join()
        try:
            self._find({"lease.epoch": self.epoch}, {"lease.until": "$$NOW"})
        except FednError as error:
            log.warning("the lease on the state store runs out by itself: %s", error)

    def _renew(self) -> None:
        while not self._over.wait(self._seconds / RENEWALS):
            try:
                if self._find({"lease.epoch": self.epoch}, {"lease.until": self._until()}) is None:
                    self.lost()
            except FednError as error:
                log.warning("can't renew the lease on the state store: %s", error)
        if self._lost:
            self._on_lost()

    def _until(self) -> Body:
        return {"$add": ["$$NOW", int(self._seconds * 1000)]}

    def _find(self, condition: Body, changes: Body) -> Body | None:
        """Makes the changes where the head is still like this; the head after them."""
        with self._connection.bounded():
            return self._heads.find_one_and_update(
                {"_id": HEAD, **condition}, [{"$set": changes}], return_document=ReturnDocument.AFTER
            )

    def _update(self, changes: Body) -> Body:
        head = self._find({}, changes)
        if head is None:
            raise Corrupt(f"{self._heads.full_name} lost its document {HEAD!r}", hint="restore it from a backup")
        return head


def leader(connection: Connection, heads: Collection[dict[str, Any]]) -> str:
    """Who has the lease now; empty for nobody."""
    shown = {"holder": "$lease.holder", "until": "$lease.until", "at": "$$NOW"}
    with connection.bounded():
        found = list(heads.aggregate([{"$match": {"_id": HEAD}}, {"$project": shown}]))
    return next((str(head["holder"]) for head in found if head["until"] > head["at"]), "")


def check_lease(head: Body, epoch: str) -> None:
    """`Conflict` when, by a head that has just been written, another than `epoch` leads."""
    lease, at = head["lease"], head["at"]
    if lease["epoch"] != epoch and lease["until"] > at:
        left = (lease["until"] - at).total_seconds()
        raise Conflict(
            f"the state store is led by {lease['holder']}",
            hint=f"stop that one; its lease ends in {left:.0f} s unless renewed",
        )
