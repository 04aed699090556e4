"""The session worker: the one thread that runs sessions and the only writer of what they make.

An operator's wish is a document in the state store. The worker is woken, finds the session that is queued or was
running when the reducer last stopped, and runs it to its end; so a reducer that was killed goes on where it was.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from functools import partial

from fedn.errors import FednError, NotFound
from fedn.reducer import control
from fedn.reducer.combiners import Links
from fedn.reducer.feed import Feed, Notice
from fedn.reducer.network import Network
from fedn.reducer.patience import Patience
from fedn.reducer.session_run import SessionRun
from fedn.reducer.trail import Trail
from fedn.stores.documents import Session
from fedn.stores.protocols import Put, StateStore

log = logging.getLogger(__name__)

DIAL_SECONDS = 10.0
"""How long a session that goes on waits for combiners that don't answer."""


class Worker:
    """Runs sessions one after the other, in a thread of its own from `start` to `close`."""

    def __init__(
        self, *, state: StateStore, feed: Feed, network: Network, links: Links, trail: Trail, patience: Patience
    ) -> None:
        self._state = state
        self._feed = feed
        self._network = network
        self._links = links
        self._trail = trail
        self._patience = patience
        self._work = threading.Event()
        self._closing = False
        self._current: SessionRun | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._loop, name="session-worker", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self.wake()

    def wake(self) -> None:
        """There may be something to do."""
        self._work.set()

    def stop(self, session_id: str) -> None:
        """End a session: now if it runs, before it starts if it is queued. One that has ended stays as it is.

        Raises:
            NotFound: No such session.
        """
        with self._lock:
            if self._current is not None and self._current.session_id == session_id:
                self._current.stop()
                return
            found = self._state.get_record(Session, session_id)
            if found is None:
                raise NotFound(f"no session {session_id!r}", hint="`fedn session list` shows them")
            session, revision = found
            if session.state in ("queued", "running"):
                self._state.write(Put(replace(session, stop_requested=True), revision))
        self.wake()

    def leave(self) -> None:
        """Begin nothing any more, and leave a session that runs as it is."""
        self._patience.end()
        with self._lock:
            self._closing = True
            if self._current is not None:
                self._current.leave()
        self.wake()

    def close(self) -> None:
        """Stop working. A session that runs is left as it is and goes on at the next start."""
        self.leave()
        if self._thread.is_alive():
            self._thread.join()

    def _loop(self) -> None:
        try:
            while True:
                self._work.clear()
                if self._closing:  # looked at after that: whoever sets it then wakes
                    return
                self._work_off()
        except FednError as error:
            if not self._closing:
                log.error("the session worker can't go on: %s", error)

    def _work_off(self) -> None:
        session = self._patience.keep(self._next)
        if session is None:
            self._work.wait()
            return
        if session.state == "running":  # since before this process: its clients are still at their combiners
            self._network.wait_dialled(seconds=DIAL_SECONDS)
        try:
            self._run(session.id)
        except Exception as error:
            if self._closing and isinstance(error, FednError):
                return  # the next reducer goes on
            log.exception("session %s broke off", session.id)
            self._patience.keep(partial(self._fail, session.id))

    def _next(self) -> Session | None:
        """The oldest session that is not over."""
        unfinished = [
            found for state in ("running", "queued") for found in self._state.find(Session, where={"state": state})
        ]
        return min(unfinished, key=lambda found: found[0])[1] if unfinished else None

    def _run(self, session_id: str) -> None:
        run = self._patience.keep(lambda: self._take(session_id))
        if run is None:
            return
        try:
            run.run()
        finally:
            with self._lock:
                self._current = None

    def _take(self, session_id: str) -> SessionRun | None:
        with self._lock:
            session = self._state.get(Session, session_id)  # anew: it may have been stopped since
            if self._closing or session is None:
                return None
            self._current = SessionRun(
                session,
                state=self._state,
                feed=self._feed,
                network=self._network,
                links=self._links,
                trail=self._trail,
                patience=self._patience,
            )
            return self._current

    def _fail(self, session_id: str) -> None:
        session = self._state.get(Session, session_id)
        if session is not None:
            ended = replace(session, state="failed", ended_at=time.time(), error="the reducer failed; see its log")
            control.change(self._state, lambda now: (replace(now, state="idle", session_id=""), (Put(ended),)))
            self._feed.publish(Notice("session", session_id, ended.to_body()))
