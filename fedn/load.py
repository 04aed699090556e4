"""What this process uses of the machine."""

from __future__ import annotations

import time

import psutil


class Load:
    """Processor use between two readings, and memory now."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._wall = time.monotonic()
        self._processor = time.process_time()

    def read(self) -> tuple[float, int]:
        """(share of one core since the last reading, resident set in bytes)"""
        wall, processor = time.monotonic(), time.process_time()
        share = (processor - self._processor) / max(wall - self._wall, 1e-9)
        self._wall, self._processor = wall, processor
        return share, self._process.memory_info().rss
