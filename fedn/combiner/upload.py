"""A file that comes in pieces, and goes on after each cut."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from fedn.errors import StaleRevision


@dataclass
class Upload:
    """A file that a client is sending. `held` bytes are safely on disk and in the running digest.

    Several streams may send one file, as the former one of a client that came back is not known to be dead. None of
    them owns it: each says where in the file it is, and the one that falls behind is turned away.
    """

    key: tuple[str, str]
    path: Path
    total: int = 0
    sha256: str = ""
    held: int = 0
    whole: bool = False
    gone: bool = False
    touched: float = field(default_factory=time.monotonic)
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def append(self, data: bytes, *, at: int) -> None:
        """Add bytes at the end; blocks on the disk.

        Raises:
            StaleRevision: The end is no longer `at`.
        """
        with self._lock:
            if at != self.held or self.whole or self.gone:
                raise StaleRevision(f"this upload does not go on at byte {at}", hint="ask how much of it is held")
            with self.path.open("ab") as sink:
                sink.write(data)
            self.digest.update(data)
            self.held += len(data)
            self.touched = time.monotonic()

    def close(self) -> bool:
        """No more is to come; whether the content is what was announced. Blocks while something is added."""
        with self._lock:
            digest = self.digest.hexdigest()
            self.whole = not self.gone and self.total in (0, self.held) and self.sha256 in ("", digest)
            self.total, self.sha256 = self.held, digest
            return self.whole

    def delete(self) -> None:
        """Nothing can be added any more; blocks while something is."""
        with self._lock:
            self.gone = True
            self.path.unlink(missing_ok=True)
