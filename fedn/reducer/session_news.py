"""What a session tells: events to be stored, and notices for whoever watches."""

from __future__ import annotations

import time
import uuid

from fedn.errors import Unavailable
from fedn.reducer.feed import Feed, Notice
from fedn.stores.document import Body
from fedn.stores.documents import Event, Session


class SessionNews:
    """Of one session, to whoever is subscribed to `feed`. Storing is the caller's."""

    def __init__(self, session_id: str, feed: Feed) -> None:
        self._session_id = session_id
        self._feed = feed

    def event(self, level: str, kind: str, message: str) -> Event:
        """Something that happens in the session now."""
        return Event(
            id=uuid.uuid4().hex, at=time.time(), level=level, kind=kind, message=message, session_id=self._session_id
        )

    def publish(self, kind: str, data: Body) -> None:
        """Tell the watchers; the kinds are those of `Notice`."""
        self._feed.publish(Notice(kind, self._session_id, data))

    def tell(self, event: Event, session: Session) -> None:
        """Tell the watchers of an event, and how the session stands now."""
        self.publish("event", event.to_body())
        self.publish("session", session.to_body())

    def waits(self, error: Unavailable) -> None:
        """Tell the watchers of a store that is away; as it is, this can't be written down."""
        event = self.event("warning", "session_waits", f"the session waits for a store: {error.message}")
        self.publish("event", event.to_body())
