"""What happens, as it happens, for whoever watches: the source of the server-sent events.

A notice is lost on nobody who was subscribed when it came; what came before is read from the state store.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

BACKLOG = 10_000
"""Notices that wait for a watcher who is slow; one who is slower is cut off and subscribes anew."""


@dataclass(frozen=True)
class Notice:
    """Something that happened.

    Kinds: `session` (the session's document, at each change), `round_started`, `round_progress`, `round_finished`,
    `model` (a commit), `validation` (a model's means), `network`, `event` (a stored event).
    """

    kind: str
    session_id: str = ""
    data: dict[str, Any] = field(default_factory=dict)


class Subscription:
    """One watcher's queue."""

    def __init__(self) -> None:
        self._notices: queue.Queue[Notice | None] = queue.Queue(BACKLOG)

    def offer(self, notice: Notice | None) -> bool:
        """Whether there was room."""
        try:
            self._notices.put_nowait(notice)
        except queue.Full:
            return False
        return True

    def end(self) -> None:
        """Let there be no more after what waits, of which the oldest is given up where there is no room."""
        while not self.offer(None):
            with suppress(queue.Empty):
                self._notices.get_nowait()

    def get(self, *, seconds: float) -> Notice | None:
        """The next notice; None when there is none for so long.

        Raises:
            EOFError: The feed was closed, or this watcher was too slow.
        """
        try:
            notice = self._notices.get(timeout=seconds)
        except queue.Empty:
            return None
        if notice is None:
            raise EOFError
        return notice

    def waiting(self) -> list[Notice]:
        """All that waits now, taken out.

        Raises:
            EOFError: As `get`.
        """
        return list(iter(partial(self.get, seconds=0), None))


class Feed:
    """Hands every notice to every subscriber. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: set[Subscription] = set()
        self._listeners: list[Callable[[Notice], None]] = []

    def listen(self, listener: Callable[[Notice], None]) -> Callable[[], None]:
        """Call `listener` with every notice, in order, before any subscriber has it; what is returned ends that.

        It is called by whoever publishes, who waits for it: it must be quick, and neither block nor publish.
        """
        with self._lock:
            self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def publish(self, notice: Notice) -> None:
        with self._lock:
            for listener in self._listeners:
                listener(notice)
            slow = {one for one in self._subscriptions if not one.offer(notice)}
            self._subscriptions -= slow
        for one in slow:
            one.end()

    @contextmanager
    def still(self) -> Iterator[None]:
        """Keep whoever publishes waiting: all that subscribers were told by now, listeners know."""
        with self._lock:
            yield

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        subscription = Subscription()
        with self._lock:
            self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            with self._lock:
                self._subscriptions.discard(subscription)

    def close(self) -> None:
        """End every subscription, so that their requests end."""
        with self._lock:
            for one in self._subscriptions:
                one.end()
            self._subscriptions.clear()
