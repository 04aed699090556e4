"""What figures need of the documents of a session, kept in memory, as reading them all takes long."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

from fedn.reducer.plots.figures import ENTRIES
from fedn.stores.document import T
from fedn.stores.protocols import StateStore, Where

S = TypeVar("S")

Read = Callable[[str, int, int | None], list[tuple[int, S]]]
"""Of a session (empty: of all), at most so many documents, those before a `seq`: newest first, each with its `seq`."""

LARGE = 20
"""Large documents that are read in one go."""

SESSIONS = 8
"""Of how many sessions it is kept: those last asked for."""


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
        read: Reads the documents.
        gist: What is kept of a document.
        size: How many entries a document has; beyond `ENTRIES` of them older documents are left out.
        limit: How many documents at most.
        page: How many are read in one go.
    """

    def __init__(
        self, read: Read[T], *, gist: Callable[[T], S], size: Callable[[T], int], limit: int, page: int = 50
    ) -> None:
        self._read, self._gist, self._size, self._limit, self._page = read, gist, size, limit, page
        self._lock = Lock()
        self._sessions: OrderedDict[str, _Kept[S]] = OrderedDict()

    def of(self, session_id: str) -> Sequence[S]:
        """The gists of the session's documents as they are now, newest first; of all documents where it is empty."""
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
        entries, before, page = 0, None, 2 if final else self._page
        while len(found) < self._limit and entries < ENTRIES:
            read = self._read(session_id, page, before)
            for seq, document in read:
                if final and seq == final[0][0]:
                    return self._cut(found + final)
                found.append((seq, self._size(document), self._gist(document)))
                entries += found[-1][1]
            if len(read) < page:
                break
            before, page = read[-1][0], self._page
        return self._cut(found)

    def _cut(self, found: list[tuple[int, int, S]]) -> list[tuple[int, int, S]]:
        entries = 0
        for place, (_, size, _) in enumerate(found[: self._limit]):
            if entries >= ENTRIES:
                return found[:place]
            entries += size
        return found[: self._limit]


def documents(state: StateStore, kind: type[T], where: Where | None = None) -> Read[T]:
    """Reads the documents of a kind, those with these fields."""

    def read(session_id: str, limit: int, before: int | None) -> list[tuple[int, T]]:
        wanted = {**(where or {}), "session_id": session_id} if session_id else where
        return state.find(kind, where=wanted, limit=limit, before=before)

    return read


def followed_by(newer: Read[S], older: Read[T], made: Callable[[T], S]) -> Read[S]:
    """Reads `newer`, and beyond the last of these what is `made` of `older`, large documents of which few are held."""

    def read_both(session_id: str, limit: int, before: int | None) -> list[tuple[int, S]]:
        found = newer(session_id, limit, before)
        while wanted := min(limit - len(found), LARGE):
            read = older(session_id, wanted, found[-1][0] if found else before)
            found += [(seq, made(one)) for seq, one in read]
            if len(read) < wanted:
                break
        return found

    return read_both
