"""Training sessions, their rounds, and what clients found of the models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fedn.api.calls import Calls, Json, address, server_sent
from fedn.stores.documents import Round, Session, Validation


class SessionCalls(Calls):
    def sessions(self, limit: int | None = None) -> list[Session]:
        """Training sessions."""
        return [Session.from_body(body) for body in self._items("sessions", limit=limit)]

    def session(self, session_id: str) -> Session:
        """A session and how far it is; NotFound."""
        return Session.from_body(self._get("sessions", session_id))

    def start_session(self, **options: Any) -> Session:
        """Start training. The options are those of `fedn.stores.documents.Session`, `rounds` to `parameters`.

        Raises:
            NotReady: No package, no seed model, or too few clients.
            SessionRunning: One at a time.
        """
        given = {name: value for name, value in options.items() if value is not None}
        return Session.from_body(self._http.post(address("sessions"), given))

    def stop_session(self, session_id: str) -> Session:
        """Have a session end; one that has ended stays as it is."""
        return Session.from_body(self._http.post(address("sessions", session_id, "stop")))

    def watch_session(self, session_id: str) -> Iterator[tuple[str, Json]]:
        """What happens in a session, as it happens, until it has ended: (kind, data).

        The kinds are those of `fedn.reducer.feed.Notice`; the first is `session`, as the session stands now.
        """
        return server_sent(self._http.lines(address("sessions", session_id, "watch")))

    def compare_sessions(self, *session_ids: str) -> list[Json]:
        """Sessions side by side: settings that differ, seconds a round, final and best metrics; NotFound."""
        items: list[Json] = self._http.get(address("sessions", "compare"), session_id=list(session_ids))["items"]
        return items

    def progress(self, session_id: str) -> Json:
        """How far a session is, what it waits for, and its running round, else the last; NotFound."""
        return self._get("sessions", session_id, "progress")

    def rounds(self, session_id: str | None = None, limit: int | None = None) -> list[Round]:
        """Rounds, of one session or of all; without their `clients`."""
        return [Round.from_body(body) for body in self._items("rounds", limit=limit, session_id=session_id)]

    def round(self, round_id: str) -> Round:
        """A round with what became of each of its clients; NotFound."""
        return Round.from_body(self._get("rounds", round_id))

    def validations(
        self, *, model_id: str | None = None, session_id: str | None = None, limit: int | None = None
    ) -> list[Validation]:
        """What the clients found of a model, or in a session."""
        found = self._items("validations", limit=limit, model_id=model_id, session_id=session_id)
        return [Validation.from_body(body) for body in found]
