"""Looking for events by what they are, when they were, and what they say.

The store finds by fields. Time and text are looked at here, within bounds: a search that has looked at so many goes on
where the caller asks again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from fedn.stores.documents import Event
from fedn.stores.protocols import StateStore, Where

LOOKED_AT = 10_000
"""Events that are looked at for one page."""
_PIECE = 1000


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which events."""

    where: Where = field(default_factory=dict)
    """Fields that the store filters by."""
    since: float | None = None
    """Seconds since the epoch, inclusive."""
    until: float | None = None
    """Seconds since the epoch, exclusive."""
    text: str = ""
    """Part of the message, whatever the case."""

    @property
    def by_fields_alone(self) -> bool:
        return self.since is None and self.until is None and not self.text

    def fits(self, event: Event) -> bool:
        """By time and text."""
        return (
            not self.is_past(event)
            and (self.until is None or event.at < self.until)
            and self.text.casefold() in event.message.casefold()
        )

    def matches(self, event: Event) -> bool:
        """By all of it."""
        return self.fits(event) and all(getattr(event, name) == value for name, value in self.where.items())

    def is_past(self, event: Event) -> bool:
        """Whether it was before all that is wanted."""
        return self.since is not None and event.at < self.since


def find(state: StateStore, wanted: Wanted, *, limit: int, before: int | None = None) -> tuple[list[Event], int | None]:
    """Up to `limit` events, newest first, and where to go on; None at the end.

    There may be few or none of them, and more where it goes on.
    """
    found: list[Event] = []
    size = limit + 1 if wanted.by_fields_alone else _PIECE
    for _ in range(0, LOOKED_AT, _PIECE):
        piece = state.find(Event, where=wanted.where, limit=size, before=before)
        for seq, event in piece:
            if wanted.fits(event):
                if len(found) == limit:
                    return found, before
                found.append(event)
            before = seq
        # Events that were written late stand among newer ones, but not so many of them.
        if len(piece) < size or all(wanted.is_past(event) for _, event in piece):
            return found, None
    return found, before


def every(state: StateStore, wanted: Wanted) -> Iterator[Event]:
    """All of them, newest first, read as they are taken."""
    before: int | None = None
    while True:
        found, before = find(state, wanted, limit=_PIECE, before=before)
        yield from found
        if before is None:
            return
