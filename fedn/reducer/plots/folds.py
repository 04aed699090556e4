"""What figures need of the documents of a session, kept in memory, as reading them all takes seconds."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

from fedn.reducer.plots.figures import ENTRIES
from fedn.stores.documents import T
from fedn.stores.protocols import StateStore

S = TypeVar("S")

SESSIONS = 8
"""Of how many sessions it is kept: those last asked for."""

_PAGE = 20


@dataclass
class _Kept(Generic[S]):
    lock: Lock = field(default_factory=Lock)
    found: list[tuple[int, int, S]] = field(default_factory=list)
    """Number, size and gist of each document, newest first."""


class Folds(Generic[T, S]):
    """The gist of each document of a session. Safe to use from many threads.

    Documents must be of a kind that only grows: of a session, only the newest may still change. When they were all
    deleted, none is left here either, since the store never gives a number twice.

    Args:
        gist: What is kept of a document.
        size: How many entries a document has; beyond `ENTRIES` of them older documents are left out.
        limit: How many documents at most.
    """

    def __init__(
        self, state: StateStore, kind: type[T], *, gist: Callable[[T], S], size: Callable[[T], int], limit: int
    ) -> None:
        self._state, self._kind, self._gist, self._size, self._limit = state, kind, gist, size, limit
        self._lock = Lock()
        self._sessions: OrderedDict[str, _Kept[S]] = OrderedDict()

    def of(self, session_id: str) -> Sequence[S]:
        """The gists of the session's documents as they are now, newest first."""
        with self._lock:
            kept = self._sessions.setdefault(session_id, _Kept())
            self._sessions.move_to_end(session_id)
            while len(self._sessions) > SESSIONS:
                self._sessions.popitem(last=False)
        with kept.lock:  # who asks at the same time waits, rather than read the same
            kept.found = self._caught_up(session_id, kept.found)
            return [gist for _, _, gist in kept.found]

    def _caught_up(self, session_id: str, known: list[tuple[int, int, S]]) -> list[tuple[int, int, S]]:
        """From the newest document back to the first of those known that had another after it, and thus is final."""
        final = known[1:]
        found: list[tuple[int, int, S]] = []
        entries, before, page = 0, None, 2 if final else _PAGE
        while len(found) < self._limit and entries < ENTRIES:
            read = self._state.find(self._kind, where={"session_id": session_id}, limit=page, before=before)
            for seq, document in read:
                if final and seq == final[0][0]:
                    return self._cut(found + final)
                found.append((seq, self._size(document), self._gist(document)))
                entries += found[-1][1]
            if len(read) < page:
                break
            before, page = read[-1][0], _PAGE
        return self._cut(found)

    def _cut(self, found: list[tuple[int, int, S]]) -> list[tuple[int, int, S]]:
        entries = 0
        for place, (_, size, _) in enumerate(found[: self._limit]):
            if entries >= ENTRIES:
                return found[:place]
            entries += size
        return found[: self._limit]
