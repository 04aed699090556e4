"""Threads for the user's functions, which may run for hours and can't be broken off.

Those of `concurrent.futures` keep the process from ending until they have returned. These don't: Ctrl-C ends a client.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


class DaemonThreads:
    """Up to `most` threads that are started when needed and shared by all clients of a process."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)

    def run(self, function: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        """The outcome of a call in one of the threads: what it returns, or what it raises."""
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = loop.create_future()

        def call() -> None:
            try:
                settle = partial(outcome.set_result, function(*arguments))
            except Exception as error:  # noqa: BLE001  not lost: whoever awaits the outcome gets it
                settle = partial(outcome.set_exception, error)
            with contextlib.suppress(RuntimeError):  # the loop is closed: the process ends
                loop.call_soon_threadsafe(settle)

        self._calls.put(call)
        if not self._idle.acquire(blocking=False) and self._count < self._most:
            self._count += 1
            threading.Thread(target=self._work, name=f"function-{self._count}", daemon=True).start()
        return outcome

    def _work(self) -> None:
        while True:
            self._calls.get()()
            self._idle.release()
