"""The right to write into a data folder, held by one process at a time."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TextIO

from fedn.errors import Conflict, Unavailable

LOOK_SECONDS = 10.0
"""How long a lease waits at most for those who look who holds it: a look takes microseconds."""

UNKNOWN = "another process"
"""A holder that hasn't written its name yet."""


class Lease:
    """Exclusive use of `folder` until released, or until the process ends in whatever way.

    Args:
        name: File in the folder that is locked; holders of different ones are not in each other's way.
        holder: Who holds it, for those who are refused; empty names this process and its host.

    Raises:
        Conflict: Another process has it; the message names that process and its host.
    """

    def __init__(self, folder: Path, *, name: str = "lock", holder: str = "") -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Not "w": that would wipe the name of a holder.
            self._file = (folder / name).open("a+")
        except OSError as error:
            raise Unavailable(f"can't lock {folder}: {error}") from error
        if not _take(self._file):
            with self._file:
                self._file.seek(0)
                other = self._file.read() or UNKNOWN
            raise Conflict(f"{folder} is in use by {other}", hint="stop it, or choose another data folder")
        self._file.truncate(0)
        self._file.write(holder or f"process {os.getpid()} on {socket.gethostname()}")
        self._file.flush()

    def release(self) -> None:
        """Give it up; once more does nothing."""
        if not self._file.closed:
            with self._file, suppress(OSError):
                self._file.truncate(0)  # or whoever looks while the next one takes it would read this one's name

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def holder_of(folder: Path, *, name: str = "lock") -> str:
    """Who holds that lease, by the name it gave itself; empty for nobody. Nothing is made, and nobody is kept out."""
    try:
        with (folder / name).open() as file:
            return "" if _is_free(file) else file.read() or UNKNOWN
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise Unavailable(f"can't look who uses {folder}: {error}") from error


def _take(file: TextIO) -> bool:
    """Whether the lock could be had."""
    deadline = time.monotonic() + LOOK_SECONDS
    while time.monotonic() < deadline:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if not _is_free(file):
                return False
        os.sched_yield()  # to whoever looks at it just now
    return False


def _is_free(file: TextIO) -> bool:
    """Whether nobody holds the lock, found by sharing it for a moment."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(file, fcntl.LOCK_UN)
    return True
