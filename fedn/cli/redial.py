"""Watching through the absence of the reducer: it is dialled anew until it is back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from fedn.errors import FednError, Unavailable
from fedn.rpc.retry import backoff

Notices = Iterator[tuple[str, dict[str, Any]]]

LOST = "watch_lost"
"""Kind of what is told when the reducer has gone away: `{error}`."""

BACK = "watch_back"
"""Kind of what is told when it is back: `{seconds}` that it was away."""

GIVE_UP_SECONDS = 600.0


def redialled(watch: Callable[[], Notices], *, give_up_after: float) -> Notices:
    """What `watch` yields, which is called anew when it breaks off before a session's end; and in between what is so.

    Args:
        watch: Yields notices, the present state first.
        give_up_after: Seconds that the reducer may be away.

    Raises:
        FednError: The first watch can't begin, the reducer is away for too long, or it won't have this watched.
    """
    pause, delays = threading.Event(), backoff()
    began, lost_at = False, 0.0
    while True:
        try:
            for kind, data in watch():
                if lost_at:
                    yield BACK, {"seconds": time.monotonic() - lost_at}
                    lost_at, delays = 0.0, backoff()
                began = True
                yield kind, data
                if kind == "session" and data["ended_at"] is not None:
                    return
            error: FednError = Unavailable("the reducer ended the watch")
        except FednError as problem:
            if not began or not problem.retryable:
                raise
            error = problem
        if not lost_at:
            lost_at = time.monotonic()
            yield LOST, {"error": error.message}
        left = lost_at + give_up_after - time.monotonic()
        if left <= 0:
            raise Unavailable(
                f"the reducer was away for {give_up_after:g} s: {error.message}",
                hint="`fedn session watch` goes on once it is back",
            )
        pause.wait(min(next(delays), left))
