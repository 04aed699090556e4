"""Who is in the network now: the live view that the combiners' watches keep current."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from fedn.core.placement import Load, place
from fedn.errors import NameInUse, NotFound, Unavailable
from fedn.reducer.feed import Feed, Notice
from fedn.stores.documents import Client, Combiner
from fedn.stores.protocols import Put, StateStore

PENDING_SECONDS = 30.0
"""How long a client that was assigned and has not come yet counts as one of its combiner's."""

NOT_DIALLED = "not dialled yet"


@dataclass(frozen=True)
class ClientView:
    """A client that is connected now, as its combiner sees it."""

    name: str
    combiner: str
    instance: str = ""
    version: str = ""
    needs_package: bool = True
    legacy: bool = False
    processor: float = 0.0
    """Share of one core, at its last heartbeat."""
    memory_bytes: int = 0
    since: float = 0.0


@dataclass(frozen=True)
class CombinerView:
    """A combiner that has announced itself."""

    name: str
    host: str
    port: int
    max_clients: int
    connected: bool = False
    draining: bool = False
    processor: float = 0.0
    memory_bytes: int = 0
    clients: int = 0
    legacy_clients: bool = False
    """Whether its own settings let in clients that give no token; the reducer's must, too."""
    error: str = ""
    """Why it is not connected."""


@dataclass
class _Live:
    document: Combiner
    connected: bool = False
    draining: bool = False
    processor: float = 0.0
    memory_bytes: int = 0
    legacy_clients: bool = False
    error: str = NOT_DIALLED
    clients: dict[str, ClientView] = field(default_factory=dict)
    pending: dict[str, float] = field(default_factory=dict)


class Network:
    """The live view, and the placement of clients. Safe to use from many threads."""

    def __init__(self, state: StateStore, feed: Feed, *, policy: str = "least-packed") -> None:
        self._state = state
        self._feed = feed
        self._policy = policy
        self._lock = threading.RLock()
        self._dialled = threading.Condition(self._lock)
        self._combiners = {document.id: _Live(document) for _, document in state.find(Combiner)}
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after every change; call what is returned to end that. It must not block."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def register(self, document: Combiner) -> None:
        """A combiner has announced itself, new or started anew: nobody is connected to it yet."""
        with self._lock:
            self._state.write(Put(document))
            live = self._combiners.setdefault(document.id, _Live(document))
            live.document, live.connected, live.error = document, False, NOT_DIALLED
            live.clients.clear()
        self._tell()

    def update(
        self,
        combiner: str,
        *,
        joined: list[ClientView],
        left: list[str],
        processor: float,
        memory_bytes: int,
        draining: bool,
        legacy_clients: bool = False,
    ) -> None:
        """What a combiner's watch says."""
        with self._lock:
            live = self._combiners[combiner]
            news = bool(joined or left) or not live.connected or live.draining != draining
            live.connected, live.draining, live.error = True, draining, ""
            live.processor, live.memory_bytes, live.legacy_clients = processor, memory_bytes, legacy_clients
            for name in left:
                live.clients.pop(name, None)
            for view in joined:
                since = live.clients[view.name].since if view.name in live.clients else view.since
                live.clients[view.name] = replace(view, since=since)
                live.pending.pop(view.name, None)
            self._dialled.notify_all()
        if news:
            self._tell()

    def lost(self, combiner: str, reason: str) -> None:
        """A combiner's watch broke off: it and its clients are out of reach until it is back."""
        with self._lock:
            live = self._combiners[combiner]
            news = live.connected or live.error != reason
            live.connected, live.error = False, reason
            live.clients.clear()
            self._dialled.notify_all()
        if news:
            self._tell()

    def wait_dialled(self, *, seconds: float) -> None:
        """Wait until every combiner was reached or found out of reach, so that the view is whole; or so long."""
        with self._dialled:
            self._dialled.wait_for(lambda: all(live.error != NOT_DIALLED for live in self._combiners.values()), seconds)

    def place(
        self, name: str, *, instance: str, preferred: str = "", token_id: str = "", legacy: bool = False
    ) -> Combiner:
        """Choose a combiner for a client; for one of 2021, of those that let such in.

        Raises:
            NameInUse: Another live client holds the name.
            Unavailable: No combiner has room.
        """
        now = time.time()
        with self._lock:
            for live in self._combiners.values():
                if name in live.pending:
                    preferred = live.document.id  # where two of one name meet, and the combiner refuses the second
                holder = live.clients.get(name)
                if holder is not None and holder.instance != instance:
                    raise NameInUse(
                        f"a client named {name!r} is connected already, to combiner {live.document.id}",
                        hint="give this one another name with --name, or stop the other one",
                    )
            candidates = [live for live in self._combiners.values() if live.legacy_clients or not legacy]
            if legacy and self._combiners and not candidates:
                raise Unavailable(
                    "no combiner that lets in clients of 2021 is connected",
                    hint="set legacy_clients: true for a combiner, too",
                )
            loads = [_load(live, now) for live in candidates]
            chosen = self._combiners[place(loads, policy=self._policy, preferred=preferred)]
            chosen.pending[name] = now
        self._state.write(
            Put(Client(id=name, combiner=chosen.document.id, assigned_at=now, token_id=token_id, legacy=legacy))
        )
        return chosen.document

    def shares(self) -> dict[str, tuple[str, ...]]:
        """The live clients of each combiner that takes part in rounds."""
        with self._lock:
            return {
                name: tuple(sorted(live.clients))
                for name, live in self._combiners.items()
                if live.connected and not live.draining and live.clients
            }

    def combiner(self, name: str) -> CombinerView:
        """One combiner; NotFound."""
        with self._lock:
            if name not in self._combiners:
                raise NotFound(f"no combiner {name!r}", hint="`fedn combiner list` shows them")
            return _view(self._combiners[name])

    def combiners(self) -> list[CombinerView]:
        """All combiners that ever announced themselves, by name."""
        with self._lock:
            return [_view(self._combiners[name]) for name in sorted(self._combiners)]

    def clients(self) -> list[ClientView]:
        """The connected clients, by name."""
        with self._lock:
            views = [view for live in self._combiners.values() for view in live.clients.values()]
        return sorted(views, key=lambda view: view.name)

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()
        self._feed.publish(Notice("network"))


def _load(live: _Live, now: float) -> Load:
    live.pending = {name: at for name, at in live.pending.items() if now - at < PENDING_SECONDS}
    return Load(
        name=live.document.id,
        clients=len(live.clients.keys() | live.pending.keys()),
        max_clients=live.document.max_clients,
        accepting=live.connected and not live.draining,
    )


def _view(live: _Live) -> CombinerView:
    document = live.document
    return CombinerView(
        name=document.id,
        host=document.host,
        port=document.port,
        max_clients=document.max_clients,
        connected=live.connected,
        draining=live.draining,
        processor=live.processor,
        memory_bytes=live.memory_bytes,
        clients=len(live.clients),
        legacy_clients=live.legacy_clients,
        error=live.error,
    )
