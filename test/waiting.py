"""How long tests wait: never by sleeping, and never for ever."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")

DEADLINE = 180.0
"""Seconds that no wait comes near, on a disk either that takes a minute over what others write."""


async def within(awaitable: Awaitable[T], seconds: float = DEADLINE) -> T:
    """What comes of it, in so many waits of a second: a machine that stands still for minutes uses up one of them."""
    task = asyncio.ensure_future(awaitable)
    try:
        for _ in range(math.ceil(seconds)):
            if (await asyncio.wait([task], timeout=1.0))[0]:
                return task.result()
        raise asyncio.TimeoutError
    finally:
        task.cancel()
