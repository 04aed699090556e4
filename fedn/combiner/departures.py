"""Clients that are to go elsewhere: each leaves once no round waits for it, so that no work of it is lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress

from fedn.combiner.members import Members
from fedn.combiner.rounds import Rounds
from fedn.errors import NotFound

log = logging.getLogger(__name__)

_ALL = ""


class Departures:
    """Who is to go. Use it on the loop; `close` it at the end."""

    def __init__(self, *, members: Members, rounds: Rounds) -> None:
        self._members = members
        self._rounds = rounds
        self._waiting: dict[str, asyncio.Task[None]] = {}

    def send(self, name: str, reason: str, *, combiner: str = "") -> None:
        """Have one client ask the reducer for a combiner again, and for this one, where one is named.

        Raises:
            NotFound: It is not connected.
        """
        self._members.require(name)
        self._start(name, self._send(name, reason, combiner))

    def leaving(self, name: str) -> bool:
        """Whether a client is about to go, and should be asked for nothing more."""
        return name in self._waiting or self._members.parted(name)

    def send_all(self, reason: str) -> None:
        """Have every client ask the reducer for a combiner again, once no round runs."""
        if _ALL not in self._waiting:
            self._start(_ALL, self._send_all(reason))

    def keep_all(self) -> None:
        """Take `send_all` back, for those who have not gone yet."""
        self._stop(_ALL)

    def close(self) -> None:
        for key in list(self._waiting):
            self._stop(key)

    def _start(self, key: str, work: Coroutine[None, None, None]) -> None:
        self._stop(key)
        self._waiting[key] = task = asyncio.create_task(work)
        task.add_done_callback(lambda _: self._waiting.pop(key) if self._waiting.get(key) is task else None)

    def _stop(self, key: str) -> None:
        if key in self._waiting:
            self._waiting.pop(key).cancel()

    async def _send(self, name: str, reason: str, combiner: str) -> None:
        await self._rounds.wait_settled(name)
        with suppress(NotFound):  # it went by itself
            self._members.part_with(name, reason, reassign=True, combiner=combiner)
            log.info("client %s is sent to combiner %s: %s", name, combiner or "of the reducer's choice", reason)

    async def _send_all(self, reason: str) -> None:
        await self._rounds.wait_idle()
        log.info("%d clients are sent elsewhere: %s", len(self._members), reason)
        self._members.farewell(reason, reassign=True)
