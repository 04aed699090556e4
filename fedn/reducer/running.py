"""The round that runs now, kept up to date by the feed's own notices: nobody has to ask the combiners."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from fedn.core.model import ClientState, TaskKind
from fedn.core.progress import RoundProgress
from fedn.reducer.feed import Feed, Notice
from fedn.stores.document import Body
from fedn.stores.documents import Round


class Running:
    """How far the running session's round is. Safe to use from many threads."""

    def __init__(self, feed: Feed) -> None:
        self._lock = threading.Lock()
        self._session_id = ""
        self._round: RoundProgress | None = None
        self._begun: Body = {}
        self._over = True
        self._waits = ""
        feed.listen(self._take)

    def round(self, session_id: str) -> tuple[str, Body] | None:
        """The phase (training, reducing or validating) and the round of this session; None while none is on."""
        with self._lock:
            on = self._on(session_id)
            return (_phase(on), body(on)) if on else None

    def standings(self, session_id: str) -> dict[str, str]:
        """Client → its state in the round of this session that is on; empty while none is."""
        with self._lock:
            on = self._on(session_id)
            return {name: one.state.value for name, one in on.clients.items()} if on else {}

    def waits(self, session_id: str) -> str:
        """Why this session waits for a store; empty while it doesn't."""
        with self._lock:
            return self._waits if session_id == self._session_id else ""

    def notices(self, session_id: str) -> list[Notice]:
        """What brings a watcher who begins now to where the round of this session is."""
        with self._lock:
            on = self._on(session_id)
            if on is None:
                return []
            told = {key: self._begun[key] for key in ("round_id", "number", "kind")}
            clients = [
                {
                    "client": name,
                    "combiner": one.combiner,
                    "state": one.state.value,
                    "detail": one.detail,
                    "bytes": one.size,
                }
                for name, one in on.clients.items()
                if one.state is not ClientState.ASKED
            ]
            begun = Notice("round_started", session_id, self._begun)
            return [begun, Notice("round_progress", session_id, {**told, "clients": clients})]

    def _on(self, session_id: str) -> RoundProgress | None:
        """The round of this session that is on."""
        return None if self._over or session_id != self._session_id else self._round

    def _take(self, notice: Notice) -> None:
        if not notice.session_id:
            return
        with self._lock:
            if notice.kind == "event":
                if notice.data["kind"] == "session_waits":
                    self._session_id, self._waits = notice.session_id, notice.data["message"]
                return
            self._session_id, self._waits = notice.session_id, ""
            self._fold(notice.kind, notice.data)

    def _fold(self, kind: str, data: Body) -> None:
        if kind == "round_started":
            self._round, self._begun, self._over = RoundProgress.begun(data), data, False
        elif kind == "round_progress" and self._round is not None and self._round.round_id == data["round_id"]:
            self._round.take(data)
        elif kind == "round_finished" or (kind == "session" and data["ended_at"] is not None):
            self._over = True


def body(progress: RoundProgress) -> Body:
    """A round's progress as the JSON API gives it."""
    return {
        "round_id": progress.round_id,
        "number": progress.number,
        "attempt": progress.attempt,
        "kind": progress.kind.value,
        "started_at": progress.started_at,
        "deadline": progress.deadline,
        "clients": _counts(progress.states),
        "bytes": progress.size,
        "combiners": [
            {"name": name, "clients": _counts(states), "bytes": size} for name, states, size in progress.by_combiner()
        ],
        "unanswered": [{"client": name, "state": state.value} for name, state in progress.unanswered],
    }


def last(document: Round, *, seconds: float) -> Body:
    """The same of a round that is over, from its record.

    Args:
        seconds: How long it was given.
    """
    progress = RoundProgress(
        round_id=document.id,
        number=document.number,
        attempt=document.attempt,
        kind=TaskKind(document.kind),
        started_at=document.started_at,
        seconds=seconds,
        asked={one["name"]: one["asked"] for one in document.combiners},
    )
    progress.take({"clients": document.clients})
    return body(progress)


def _phase(progress: RoundProgress) -> str:
    if progress.kind is TaskKind.VALIDATE:
        return "validating"
    return "training" if progress.done < len(progress.clients) else "reducing"


def _counts(states: Mapping[str, int]) -> dict[str, int]:
    """A count for every state there is."""
    return {state.value: states.get(state.value, 0) for state in ClientState}
