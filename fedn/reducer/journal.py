"""Events that operators cause, written down and told to whoever watches."""

from __future__ import annotations

import time
import uuid
from typing import Any

from fedn.reducer.context import asker
from fedn.reducer.feed import Notice
from fedn.reducer.services import Services
from fedn.stores.documents import Event
from fedn.stores.protocols import Insert


def record(services: Services, kind: str, message: str, *, session_id: str = "", **data: Any) -> None:
    """Add an audit event. Where a request caused it, its data has the id of the token that asked, as `by`."""
    by = asker()
    event = Event(
        id=uuid.uuid4().hex,
        at=time.time(),
        level="audit",
        kind=kind,
        message=message,
        session_id=session_id,
        data={**data, "by": by} if by else data,
    )
    services.state.write(Insert(event))
    services.feed.publish(Notice("event", session_id, event.to_body()))
