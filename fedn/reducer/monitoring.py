"""What the reducer and its combiners take of their machines, noted from time to time and kept for a day."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Iterator

from fedn.errors import FednError, Unavailable
from fedn.load import Load
from fedn.reducer.network import Network
from fedn.stores.documents import Sample
from fedn.stores.protocols import Delete, Insert, StateStore

log = logging.getLogger(__name__)

KEPT_SECONDS = 86_400.0
KEPT = 10_000
"""Samples that are kept at most."""
_PRUNED = 100
"""Samples that are looked at in one go to be given up, besides one for each new one."""


class Monitor:
    """Notes samples in a thread of its own, from `start` to `close`.

    Args:
        seconds: Between two samples; 0 for none at all.
    """

    def __init__(self, state: StateStore, network: Network, *, seconds: float) -> None:
        self._state = state
        self._network = network
        self._seconds = seconds
        self._load = Load()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="monitor", daemon=True)

    def start(self) -> None:
        if self._seconds:
            self._thread.start()

    def close(self) -> None:
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._closed.wait(self._seconds):
            try:
                self.note()
            except Unavailable as error:
                log.debug("no samples are noted: %s", error)  # that the store is away is said elsewhere, once
            except FednError as error:
                log.error("no samples can be noted any more: %s", error)
                return

    def note(self) -> None:
        """Note a sample of the reducer and of each connected combiner, and give up those that are too old or many."""
        now = time.time()
        samples = list(self._samples(now))
        excess = self._state.count(Sample) + len(samples) - KEPT
        oldest = self._state.find(Sample, newest_first=False, limit=len(samples) + _PRUNED)
        over = [one for index, (_, one) in enumerate(oldest) if index < excess or one.at < now - KEPT_SECONDS]
        self._state.write(*map(Insert, samples), *(Delete(Sample, one.id) for one in over))

    def _samples(self, now: float) -> Iterator[Sample]:
        processor, memory = self._load.read()
        combiners = [one for one in self._network.combiners() if one.connected]
        clients = sum(one.clients for one in combiners)
        yield _sample(now, "reducer", "reducer", processor, memory, clients=clients)
        for one in combiners:
            yield _sample(now, one.name, "combiner", one.processor, one.memory_bytes, clients=one.clients)


def since(state: StateStore, instant: float, *, limit: int) -> list[Sample]:
    """The newest `limit` samples from `instant` (seconds since the epoch) on, oldest first."""
    found = [one for _, one in state.find(Sample, limit=limit) if one.at >= instant]
    return found[::-1]


def _sample(at: float, node: str, role: str, processor: float, memory_bytes: int, *, clients: int) -> Sample:
    return Sample(
        id=uuid.uuid4().hex,
        at=at,
        node=node,
        role=role,
        processor=processor,
        memory_bytes=memory_bytes,
        clients=clients,
    )
