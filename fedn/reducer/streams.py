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

LOGIN_LIMIT = 4
"""How many of them one login in a browser may be. That a page was left shows only when something is sent to it: whoever
goes from page to page would soon hold all places."""

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
        self._lock = threading.Lock()
        self._logins: dict[str, list[Subscription]] = {}

    def stream(
        self, choose: Callable[[Subscription], Notices], *, may: Callable[[], bool] = lambda: True, login: str = ""
    ) -> Response:
        """A response with the notices that `choose` picks from a subscription, until it ends or the reducer does.

        Args:
            may: Whether who watches still may; asked before everything that is sent.
            login: Id of the login in a browser that watches, whose oldest stream ends where it has too many.

        Raises:
            Unavailable: Too many watch already, or the reducer is going down.
        """
        with contextlib.ExitStack() as stack:
            if not self._slots.acquire(blocking=False):
                raise Unavailable(f"{LIMIT} others watch already", hint="try again later, or ask without watching")
            stack.callback(self._slots.release)
            subscription = stack.enter_context(self._feed.subscribe())
            if login:
                stack.enter_context(self._counted(login, subscription))
            if self._closing:
                raise Unavailable("the reducer is going down", hint="watch again once it is back")
            response = Response(_encode(choose(subscription), may), mimetype="text/event-stream")
            response.headers["Cache-Control"] = "no-store"
            response.call_on_close(stack.pop_all().close)
        return response

    @contextlib.contextmanager
    def _counted(self, login: str, subscription: Subscription) -> Iterator[None]:
        """Count a subscription as one of a login, and end that one's oldest where there are too many."""
        with self._lock:
            held = self._logins.setdefault(login, [])
            held.append(subscription)
            surplus = held[:-LOGIN_LIMIT]
            del held[:-LOGIN_LIMIT]
        for one in surplus:
            one.end()
        try:
            yield
        finally:
            with self._lock:
                if subscription in held:
                    held.remove(subscription)
                if not held and self._logins.get(login) is held:
                    del self._logins[login]

    def close(self) -> None:
        """End every stream, and begin none any more."""
        self._closing = True
        self._feed.close()


def everything(subscription: Subscription) -> Notices:
    """All notices, of whatever session."""
    while True:
        yield subscription.get(seconds=QUIET_SECONDS)


def _encode(notices: Notices, may: Callable[[], bool]) -> Iterator[str]:
    yield ": watching\n\n"
    with contextlib.suppress(EOFError):
        for notice in notices:
            if not may():
                return
            yield f"event: {notice.kind}\ndata: {dumps(notice.data)}\n\n" if notice else ": still here\n\n"
