"""The newest lines of the log, kept in memory for the status page."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime, timezone

from fedn.client.standing import shown

MOST = 200
"""Lines that are kept."""


class Lines(logging.Handler):
    """Keeps the newest lines, without secrets and control characters.

    Args:
        added: Called after each line, in whatever thread logged it.
    """

    def __init__(self, added: Callable[[], object]) -> None:
        super().__init__()
        self._added = added
        self._kept: deque[dict[str, str]] = deque(maxlen=MOST)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = shown(self.format(record))
        except Exception:  # noqa: BLE001  as every handler does: a line that can't be formatted must not stop its author
            self.handleError(record)
            return
        moment = datetime.fromtimestamp(record.created, timezone.utc)
        time = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._kept.append({"time": time, "level": record.levelname, "text": text})
        self._added()

    def values(self) -> list[dict[str, str]]:
        """What is kept, oldest first."""
        self.acquire()  # the lock that `emit` is called under
        try:
            return list(self._kept)
        finally:
            self.release()
