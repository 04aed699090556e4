"""What a peer is sent. Whoever has shown a good token is waited for; of those who haven't, only a few at a time."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Mapping
from typing import Any

PEER = "fedn.peer"
"""What the environment of a request has its peer's `Outgoing` under."""

STRANGERS = 8
"""How many threads may wait for peers that take an answer slowly and have shown no token."""

STRANGER_SECONDS = 10.0
"""How long each of them waits at most."""

_strangers = threading.BoundedSemaphore(STRANGERS)


def know(environ: Mapping[str, Any]) -> None:
    """Have who sent this request waited for: it has shown a good token."""
    if PEER in environ:
        environ[PEER].known = True


class Outgoing:
    """Sends what is written at once. cheroot's own keeps what a peer that left did not take, and tries again when it is
    collected, on a socket that is closed by then."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self._socket = sock
        self.bytes_written = 0
        self.known = False
        """Whether the peer has shown a good token with the request that is answered."""

    def write(self, data: bytes) -> int:
        if self.known:
            self._socket.sendall(data)
        else:
            self._send_to_stranger(memoryview(data))
        self.bytes_written += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def _send_to_stranger(self, data: memoryview) -> None:
        """Who is not known may have what the line takes at once; a few may be waited for."""
        patience = self._socket.gettimeout()
        self._socket.settimeout(0)
        try:
            while data:
                data = data[self._socket.send(data) :]
        except ssl.SSLWantWriteError:
            self._wait_for_stranger(data)
        finally:
            self._socket.settimeout(patience)

    def _wait_for_stranger(self, data: memoryview) -> None:
        if not _strangers.acquire(blocking=False):
            raise TimeoutError("timed out")
        try:
            deadline = time.monotonic() + STRANGER_SECONDS
            while data:
                self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
                data = data[self._socket.send(data) :]
        finally:
            _strangers.release()
