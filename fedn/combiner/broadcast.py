"""What passes through a combiner, for whoever watches it from outside: updates, validations, status messages."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

from fedn.proto import fedn_pb2 as pb

Message = TypeVar("Message", pb.ModelUpdate, pb.ModelValidation, pb.Status)

KEPT = 1000
"""Messages that wait for a watcher. One that reads too slowly loses the oldest: it must not hold up what it watches,
nor fill the memory."""
KEPT_BYTES = 16 << 20
"""Size of them together; the newest one waits, however large it is."""


class _Watcher(Generic[Message]):
    """Whoever watches, and what waits to be read."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.waiting: deque[tuple[Message, int]] = deque()
        self.news = asyncio.Event()
        self._bytes = 0

    def give(self, message: Message) -> None:
        size = message.ByteSize()
        self.waiting.append((message, size))
        self._bytes += size
        while len(self.waiting) > KEPT or (self._bytes > KEPT_BYTES and len(self.waiting) > 1):
            self.take()
        self.news.set()

    def take(self) -> Message:
        message, size = self.waiting.popleft()
        self._bytes -= size
        return message


class Broadcast(Generic[Message]):
    """Passes each message on to all who watch at that moment."""

    def __init__(self) -> None:
        self._watchers: list[_Watcher[Message]] = []
        self._closed = False

    @property
    def names(self) -> list[str]:
        """Who watches, as they call themselves."""
        return sorted({watcher.name for watcher in self._watchers})

    def send(self, message: Message) -> None:
        for watcher in self._watchers:
            watcher.give(message)

    async def watch(self, name: str) -> AsyncIterator[Message]:
        """The messages from now on, until `close`."""
        watcher = _Watcher[Message](name)
        self._watchers.append(watcher)
        try:
            while not self._closed or watcher.waiting:
                if watcher.waiting:
                    yield watcher.take()
                else:
                    watcher.news.clear()
                    await watcher.news.wait()
        finally:
            self._watchers.remove(watcher)

    def close(self) -> None:
        """End the watches after what was sent."""
        self._closed = True
        for watcher in self._watchers:
            watcher.news.set()


class Broadcasts:
    """One for each kind of message."""

    def __init__(self) -> None:
        self.updates = Broadcast[pb.ModelUpdate]()
        self.validations = Broadcast[pb.ModelValidation]()
        self.statuses = Broadcast[pb.Status]()

    def close(self) -> None:
        self.updates.close()
        self.validations.close()
        self.statuses.close()
