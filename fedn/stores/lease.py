"""The right to write into a data folder, held by one process at a time."""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path
from types import TracebackType

from fedn.errors import Conflict, Unavailable


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
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with self._file:
                self._file.seek(0)
                other = self._file.read() or "another process"
            raise Conflict(f"{folder} is in use by {other}", hint="stop it, or choose another data folder") from None
        self._file.truncate(0)
        self._file.write(holder or f"process {os.getpid()} on {socket.gethostname()}")
        self._file.flush()

    def release(self) -> None:
        self._file.close()

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
