"""What happens in the network, and how its machines are."""

from __future__ import annotations

from collections.abc import Iterator

from fedn.api.calls import Calls, Json, address, server_sent
from fedn.stores.documents import Event, Sample


class EventCalls(Calls):
    def events(
        self,
        limit: int | None = 100,
        *,
        level: str | None = None,
        kind: str | None = None,
        source: str | None = None,
        session_id: str | None = None,
        since: float | None = None,
        until: float | None = None,
        text: str | None = None,
    ) -> list[Event]:
        """What happened in the network.

        Args:
            since: Only what happened from then on, in seconds since the epoch.
            until: Only what happened before then.
            text: Only what has this in its message, in capital letters or not.
        """
        filters = {"level": level, "kind": kind, "source": source, "session_id": session_id, "text": text}
        found = self._items("events", limit=limit, **filters, since=since, until=until)
        return [Event.from_body(body) for body in found]

    def watch(self) -> Iterator[tuple[str, Json]]:
        """All that happens in the network from the call on, as it happens: (kind, data), as in `watch_session`."""
        lines = self._http.lines(address("events", "watch"))
        next(lines)  # says that the watch is on
        return server_sent(lines)

    def samples(self, *, since: float = 0.0, limit: int = 1000) -> list[Sample]:
        """What reducer and combiners took of their machines, oldest first; the newest `limit` of at most 10,000.

        Args:
            since: In seconds since the epoch.
        """
        found = self._http.get(address("monitoring"), since=since, limit=limit)["items"]
        return [Sample.from_body(body) for body in found]
