"""What this process uses of the machine."""

from __future__ import annotations

import time

import psutil

_SECONDS = 1.0
"""Shortest time that processor use is told of: within less, a moment's work would look like a busy process."""


class Load:
    """Processor use of late, and memory now."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._wall = time.monotonic() - max(_SECONDS, time.time() - self._process.create_time())
        self._processor = self._share = 0.0

    def read(self) -> tuple[float, int]:
        """(share of one core, resident set in bytes)

        The share is that since the last reading, at first since the process began. A reading less than a second after
        another repeats its share.
        """
        wall, processor = time.monotonic(), time.process_time()
        if wall - self._wall >= _SECONDS:
            self._share = (processor - self._processor) / (wall - self._wall)
            self._wall, self._processor = wall, processor
        return self._share, self._process.memory_info().rss
