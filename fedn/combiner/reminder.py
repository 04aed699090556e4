"""A combiner says in its log that its token is near its end: without a good one it can't join again."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from datetime import datetime, timezone

from fedn.security.expiry import ends_soon
from fedn.security.tokens import read

log = logging.getLogger(__name__)

DAY = 86_400.0

LOOK_SECONDS = 3600.0
"""Longest wait between two looks at the clock: it may have been set, or the machine has slept."""


class Reminder:
    """What to say of a combiner's token, and when: once a day, from when it is near its end."""

    def __init__(self, token: str, *, name: str) -> None:
        self._claims, self._name = read(token), name
        self._said = -math.inf

    def due(self, now: float) -> str:
        """What is to be said now; empty for nothing."""
        if abs(now - self._said) < DAY or not ends_soon(self._claims, now=now):
            return ""
        self._said = now
        end = self._claims.expires_at
        moment = f"{datetime.fromtimestamp(end, timezone.utc):%Y-%m-%d at %H:%M:%S} UTC"
        return (
            f"the token of this combiner {'ended' if now >= end else 'ends'} on {moment}; make another with "
            f"`fedn token create --role combiner --name {self._name}`, and start this combiner anew with it"
        )


async def remind(token: str, *, name: str) -> None:
    """Look at the token from now on, and warn of its end; until it is cancelled."""
    reminder = Reminder(token, name=name)
    while True:
        if text := reminder.due(time.time()):
            log.warning("%s", text)
        await asyncio.sleep(LOOK_SECONDS)
