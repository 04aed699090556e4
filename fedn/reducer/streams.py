"""Server-sent events (HTML Living Standard, section 9.2): what the feed says, as responses that stay open."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from flask import Response

from fedn.errors import Unavailable
from fedn.reducer.encoding import dumps
from fedn.reducer.feed import Feed, Notice, Subscription

LIMIT = 32
"""How many may watch at once; each holds a thread."""

QUIET_SECONDS = 15.0
"""After so long without a notice a comment is sent, which also shows whether anybody is still there."""

Notices = Iterator[Notice | None]
"""Notices for one watcher; None where there was none for `QUIET_SECONDS`."""


class Watchers:
    """Those who watch."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._slots = threading.BoundedSemaphore(LIMIT)
        self._closing = False

    def stream(self, choose: Callable[[Subscription], Notices]) -> Response:
        """A response with the notices that `choose` picks from a subscription, until it ends or the reducer does.

        Raises:
            Unavailable: Too many watch already, or the reducer is going down.
        """
        with contextlib.ExitStack() as stack:
            if not self._slots.acquire(blocking=False):
                raise Unavailable(f"{LIMIT} others watch already", hint="try again later, or ask without watching")
            stack.callback(self._slots.release)
            subscription = stack.enter_context(self._feed.subscribe())
            if self._closing:
                raise Unavailable("the reducer is going down", hint="watch again once it is back")
            response = Response(_encode(choose(subscription)), mimetype="text/event-stream")
            response.headers["Cache-Control"] = "no-store"
            response.call_on_close(stack.pop_all().close)
        return response

    def close(self) -> None:
        """End every stream, and begin none any more."""
        self._closing = True
        self._feed.close()


def everything(subscription: Subscription) -> Notices:
    """All notices, of whatever session."""
    while True:
        yield subscription.get(seconds=QUIET_SECONDS)


def _encode(notices: Notices) -> Iterator[str]:
    yield ": watching\n\n"
    with contextlib.suppress(EOFError):
        for notice in notices:
            yield f"event: {notice.kind}\ndata: {dumps(notice.data)}\n\n" if notice else ": still here\n\n"
