"""What the reducer does while one of its stores is out of reach: it says so once, waits, and does again what failed.

Doing again needs care, for a write may have been made although its answer was lost. `write` knows its own by what it
inserted: whoever inserts chooses the id, once, before the first try.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

from fedn.errors import Conflict, FednError, Unavailable
from fedn.reducer.feed import Feed, Notice
from fedn.rpc.retry import backoff
from fedn.stores.document import Document
from fedn.stores.documents import Event
from fedn.stores.protocols import Change, Insert, StateStore

log = logging.getLogger(__name__)

T = TypeVar("T")

LONGEST_PAUSE = 5.0
"""Seconds between two looks at a store that is out of reach, at most."""

LATE_WRITES = 10_000
"""Writes that wait for the state store; the oldest are given up where there are more."""


class Checkable(Protocol):
    def check(self) -> str: ...


Store = TypeVar("Store", bound=Checkable)


class Patience:
    """Waits for stores until they are back or the reducer ends. Safe to use from many threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ended = False
        self._away: dict[str, tuple[Unavailable, float]] = {}
        self._threads: list[threading.Thread] = []
        self._late: deque[tuple[Change, ...]] = deque(maxlen=LATE_WRITES)
        self._state: StateStore | None = None
        self._feed: Feed | None = None

    @property
    def ended(self) -> bool:
        """Whether nobody waits any more."""
        return self._ended

    def end(self) -> None:
        """Have all waiting end."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """End, and with it the looking after stores."""
        self.end()
        for thread in self._threads:
            thread.join()

    def wake(self) -> None:
        """An event that `keep` was given is set."""
        with self._changed:
            self._changed.notify_all()

    def pause(self, seconds: float) -> bool:
        """Wait so long; False when the reducer ends first."""
        with self._changed:
            return not self._changed.wait_for(lambda: self._ended, seconds)

    def keep(
        self,
        act: Callable[[], T],
        *,
        unless: threading.Event | None = None,
        waits: Callable[[Unavailable], None] | None = None,
    ) -> T:
        """What `act` returns, which is called again and again while it raises `Unavailable`.

        Args:
            unless: Once this is set (and `wake` called), it is given up.
            waits: Called at the first failure.

        Raises:
            Unavailable: It was given up, or the reducer ends.
        """
        delays = backoff(longest=LONGEST_PAUSE)
        while True:
            try:
                return act()
            except Unavailable as error:
                if waits is not None:
                    waits(error)
                    waits = None
                if not self._wait(next(delays), unless):
                    raise

    def _wait(self, seconds: float, unless: threading.Event | None) -> bool:
        """Wait so long and for all stores; False when it isn't to be tried again."""

        def given_up() -> bool:
            return self._ended or (unless is not None and unless.is_set())

        with self._changed:
            if not self._changed.wait_for(given_up, seconds):
                self._changed.wait_for(lambda: given_up() or not self._away)
            return not given_up()

    def open(self, name: str, opening: Callable[[], Store], *, wait: bool) -> Store:
        """A store that is watched from now on: when it goes away, calls fail at once until it is back.

        Args:
            name: What it is called in the log.
            wait: Whether to wait where it can't be reached.
        """
        since = time.monotonic()
        told: list[Unavailable] = []

        def tell(error: Unavailable) -> None:
            told.append(error)
            log.warning("the %s is out of reach, and waited for: %s", name, error)

        store = self.keep(opening, waits=tell) if wait else opening()
        if told:
            log.info("the %s is back after %.1f s", name, time.monotonic() - since)
        return cast(Store, _Watched(store, name, self))

    def record(self, state: StateStore, feed: Feed) -> None:
        """Write events about stores that were away into `state`, and tell the watchers of `feed`."""
        self._state, self._feed = state, feed

    def write_late(self, *changes: Change) -> None:
        """Make the changes: now, or once the state store is back. They begin with the insertion of something new."""
        with self._changed:
            self._late.append(changes)
        self._catch_up()

    def _catch_up(self) -> None:
        while self._state is not None and not self._away and not self._ended:
            with self._changed:
                if not self._late:
                    return
                changes = self._late.popleft()
            try:
                write(self._state, *changes)
            except Unavailable:
                with self._changed:
                    self._late.appendleft(changes)
                return  # whoever finds that it is back goes on
            except FednError as error:
                log.error("an event can't be written: %s", error)

    def failing(self, name: str) -> Unavailable | None:
        """Why this store is out of reach, if it is."""
        error, _ = self._away.get(name, (None, 0.0))
        return error

    def since(self, error: FednError) -> tuple[str, float] | None:
        """Which store is out of reach by this error, and since when (seconds since the epoch)."""
        away = list(self._away.items())
        return next(((name, at) for name, (first, at) in away if first.message == error.message), None)

    def note(self, name: str, store: Checkable, error: Unavailable) -> None:
        """A call to this store failed: look after it until it is back."""
        with self._changed:
            if name in self._away or self._ended:
                return
            self._away[name] = error, time.time()
            log.warning("the %s is out of reach: %s", name, error)
            thread = threading.Thread(target=self._look_after, args=(name, store, error), name=name, daemon=True)
            self._threads = [one for one in self._threads if one.is_alive()] + [thread]
            thread.start()
        if self._feed is not None:
            self._feed.publish(Notice("network"))

    def _look_after(self, name: str, store: Checkable, error: Unavailable) -> None:
        since = time.monotonic()
        delays = backoff(longest=LONGEST_PAUSE)
        while self.pause(next(delays)):
            try:
                store.check()
            except Unavailable:
                continue
            except FednError as problem:  # it answers, if only to refuse; what needs it says so
                log.error("the %s: %s", name, problem)
            break
        else:
            return
        seconds = time.monotonic() - since
        log.info("the %s is back after %.1f s", name, seconds)
        with self._changed:
            del self._away[name]
            self._changed.notify_all()
        event = Event(
            id=uuid.uuid4().hex,
            at=time.time(),
            level="warning",
            kind="store_back",
            message=f"the {name} was out of reach for {seconds:.1f} s: {error.message}",
            data={"store": name, "seconds": seconds},
        )
        self.write_late(Insert(event))
        if self._feed is not None:
            self._feed.publish(Notice("event", data=event.to_body()))


def impatient() -> Patience:
    """One that tries everything once."""
    patience = Patience()
    patience.end()
    return patience


class _Watched:
    """A store whose failures are noted."""

    def __init__(self, store: Checkable, name: str, patience: Patience) -> None:
        self._store = store
        self._name = name
        self._patience = patience

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name in ("close", "check", "lead"):
            return found

        def call(*args: Any, **options: Any) -> Any:
            away = self._patience.failing(self._name)
            if away is not None:
                raise Unavailable(away.message, hint=away.hint)
            try:
                return found(*args, **options)
            except Unavailable as error:
                self._patience.note(self._name, self._store, error)
                raise

        return call


def write(state: StateStore, *changes: Change) -> None:
    """Make the changes, unless an earlier try has made them whose answer was lost."""
    try:
        state.write(*changes)
    except Conflict:
        if not made(state, changes):
            raise


def made(state: StateStore, changes: tuple[Change, ...]) -> bool:
    """Whether these very changes were made: what the first of their insertions inserts is there."""
    document = next((one.document for one in changes if isinstance(one, Insert)), None)
    if document is None:
        return False
    found = state.get(type(document), document.id)
    return found is not None and _content(found) == _content(document)


def _content(document: Document) -> str:
    return json.dumps(document.to_body(), sort_keys=True)  # as text, for NaN is not equal to itself
