"""Who is in the network now: the live view that the combiners' watches keep current."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from fedn.core.placement import place
from fedn.errors import Conflict, NameInUse, NotFound, Unavailable
from fedn.reducer.feed import Feed, Notice
from fedn.reducer.presence import NOT_DIALLED, ClientView, CombinerView, Live
from fedn.stores.documents import Client, Combiner
from fedn.stores.protocols import Delete, Put, StateStore


class Network:
    """The live view, and the placement of clients. Safe to use from many threads."""

    def __init__(self, state: StateStore, feed: Feed, *, policy: str = "least-packed") -> None:
        self._state = state
        self._feed = feed
        self._policy = policy
        self._lock = threading.RLock()
        self._dialled = threading.Condition(self._lock)
        self._combiners = {document.id: Live(document) for _, document in state.find(Combiner)}
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after every change; call what is returned to end that. It must not block."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def register(self, document: Combiner) -> None:
        """A combiner has announced itself, new or started anew: nobody is connected to it yet.

        One that was drained stays so.
        """
        with self._lock:
            live = self._combiners.setdefault(document.id, Live(document))
            document = replace(document, draining=live.document.draining)
            self._state.write(Put(document))
            live.document, live.connected, live.error = document, False, NOT_DIALLED
            live.clients.clear()
        self._tell()

    def set_drained(self, name: str, drained: bool) -> CombinerView:
        """Keep that the operator wants a combiner without clients, or with them again; NotFound."""
        with self._lock:
            live = self._found(name)
            document = replace(live.document, draining=drained)
            self._state.write(Put(document))
            live.document = document
            view = live.view()
        self._tell()
        return view

    def remove(self, name: str) -> CombinerView:
        """Forget a combiner that has no part in the network: one out of reach, or drained and left by its clients.

        Raises:
            NotFound: No such combiner.
            Conflict: It has a part in it still.
        """
        with self._lock:
            live = self._found(name)
            if live.connected and not live.document.draining:
                raise Conflict(
                    f"combiner {name} is connected and takes clients",
                    hint=f"drain it first, `fedn combiner drain {name}`, or stop it",
                )
            if live.connected and live.clients:
                raise Conflict(
                    f"combiner {name} is being drained and has {len(live.clients)} clients still",
                    hint="wait until they have gone: they deliver what they are at first; or stop it",
                )
            self._state.write(Delete(Combiner, name))
            del self._combiners[name]
            self._dialled.notify_all()
        self._tell()
        return live.view()

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
            live = self._combiners.get(combiner)
            if live is None:
                return  # it was removed
            news = bool(joined or left) or not live.connected or live.draining != draining
            live.connected, live.draining, live.error = True, draining, ""
            live.last_seen = time.time()
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
            live = self._combiners.get(combiner)
            if live is None:
                return
            news = live.connected or live.error != reason
            live.connected, live.error = False, reason
            live.clients.clear()
            self._dialled.notify_all()
        if news:
            self._tell()

    def answered(self, combiner: str, *, round_trip: float) -> None:
        """A call to a combiner took so many seconds."""
        with self._lock:
            if combiner in self._combiners:
                self._combiners[combiner].round_trip = round_trip

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
            loads = [live.load(now, without=name) for live in candidates]
            chosen = self._combiners[place(loads, policy=self._policy, preferred=preferred)]
            chosen.pending[name] = now
        self._state.write(
            Put(Client(id=name, combiner=chosen.document.id, assigned_at=now, token_id=token_id, legacy=legacy))
        )
        return chosen.document

    def move(self, name: str, combiner: str) -> tuple[str, Combiner]:
        """Keep a place for a client at another combiner.

        Returns:
            The combiner that it is at, and the one to go to.

        Raises:
            NotFound: No such client is connected, or there is no such combiner.
            Conflict: It can't move, or not there.
            Unavailable: The combiner is out of reach, or full.
        """
        now = time.time()
        with self._lock:
            target = self._found(combiner)
            at = self._holder(name)
            if at.clients[name].legacy:
                raise Conflict(
                    f"{name} is a client of 2021, which stays with the combiner that it was given at its start",
                    hint="have its owner start it again, with the other combiner preferred",
                )
            if at is target:
                raise Conflict(f"client {name} is at combiner {combiner} already")
            if not target.connected:
                raise Unavailable(f"combiner {combiner} is out of reach: {target.error}", hint="is it running?")
            if not target.takes_part:
                hint = f"resume it first, `fedn combiner resume {combiner}`" if target.document.draining else ""
                raise Conflict(f"combiner {combiner} is draining and takes no clients", hint=hint)
            load = target.load(now, without=name)
            if not load.free:
                raise Unavailable(
                    f"combiner {combiner} is full: it has {load.clients} of {load.max_clients} clients",
                    hint="move others away first, or raise its max_clients",
                )
            for live in self._combiners.values():
                live.pending.pop(name, None)
            target.pending[name] = now
            return at.document.id, target.document

    def forget_client(self, name: str) -> None:
        """Keep no place for a client."""
        with self._lock:
            for live in self._combiners.values():
                live.pending.pop(name, None)

    def shares(self) -> dict[str, tuple[str, ...]]:
        """The live clients of each combiner that takes part in rounds."""
        with self._lock:
            return {
                name: tuple(sorted(clients))
                for name, live in self._combiners.items()
                if live.takes_part and (clients := [one.name for one in live.clients.values() if not one.leaving])
            }

    def combiner(self, name: str) -> CombinerView:
        """One combiner; NotFound."""
        with self._lock:
            return self._found(name).view()

    def combiners(self) -> list[CombinerView]:
        """All combiners that ever announced themselves, by name."""
        with self._lock:
            return [self._combiners[name].view() for name in sorted(self._combiners)]

    def client(self, name: str) -> ClientView:
        """One connected client; NotFound."""
        with self._lock:
            return self._holder(name).clients[name]

    def clients(self) -> list[ClientView]:
        """The connected clients, by name."""
        with self._lock:
            views = [view for live in self._combiners.values() for view in live.clients.values()]
        return sorted(views, key=lambda view: view.name)

    def _found(self, name: str) -> Live:
        if name not in self._combiners:
            raise NotFound(f"no combiner {name!r}", hint="`fedn combiner list` shows them")
        return self._combiners[name]

    def _holder(self, client: str) -> Live:
        for live in self._combiners.values():
            if client in live.clients:
                return live
        raise NotFound(f"no client {client!r} is connected", hint="`fedn client list` shows them")

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()
        self._feed.publish(Notice("network"))
