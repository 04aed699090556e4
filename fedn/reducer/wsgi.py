"""The web server: cheroot over TLS, kept from what would let one silent or greedy peer hold up the others."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cheroot.server import HTTPConnection, HTTPRequest
from cheroot.ssl.builtin import BuiltinSSLAdapter
from cheroot.wsgi import Server as CherootServer

log = logging.getLogger(__name__)

THREADS = 48
SILENT_SECONDS = 30
"""How long a peer may say nothing in the middle of a request, or take nothing of an answer."""
STOP_SECONDS = 3
"""How long requests may still run once the server stops; then they are cut off."""

_HEADER_BYTES = 1 << 16
_BACKLOG = 1024
_PIECE = 1 << 16
_LINGER_SECONDS = 2.0
_PLAIN = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\nThis port speaks https.\n"


class _Writer:
    """Sends what is written at once. cheroot's own keeps what a peer that left did not take, and tries again when it is
    collected, on a socket that is closed by then."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self._socket = sock
        self.bytes_written = 0

    def write(self, data: bytes) -> int:
        self._socket.sendall(data)
        self.bytes_written += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""


class _Tls(BuiltinSSLAdapter):
    """Leaves the handshake to the thread that serves the connection; cheroot does it where it accepts them all."""

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        return self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), {}

    def makefile(self, sock: ssl.SSLSocket, mode: str = "r", bufsize: int = -1) -> Any:
        return _Writer(sock) if "w" in mode else super().makefile(sock, mode, bufsize)


class _Request(HTTPRequest):
    """Never reads a body that nobody asked for into memory, as cheroot does before it answers."""

    def send_headers(self) -> None:
        self._skip(_PIECE)
        self.close_connection |= self._unread()
        super().send_headers()

    def respond(self) -> None:
        super().respond()
        if self._unread():
            self._linger()

    def _linger(self) -> None:
        """Read on for a while: a peer that still sends would not get to see the answer if the line were cut now."""
        self.conn.socket.settimeout(_LINGER_SECONDS)
        deadline = time.monotonic() + _LINGER_SECONDS
        while time.monotonic() < deadline and self._skip(_PIECE):
            pass

    def _unread(self) -> bool:
        if self.chunked_read:
            return not self.rfile.closed
        return bool(self.rfile.remaining)

    def _skip(self, size: int) -> bool:
        return bool(self._unread() and self.rfile.read(size))


class _Connection(HTTPConnection):
    RequestHandlerClass = _Request
    _greeted = False

    def communicate(self) -> bool:
        """Greet a new peer, or serve one request. Whether it may speak again; until it does, it takes no thread."""
        with self.server.busy(self.socket):
            return bool(super().communicate()) if self._greeted else self._greet()  # type: ignore[no-untyped-call]

    def _greet(self) -> bool:
        """The handshake; whether it succeeded."""
        try:
            self.socket.do_handshake()
        except OSError as error:
            log.debug("no TLS with %s: %s", self.remote_addr, error)
            if "HTTP_REQUEST" in str(error):
                socket.socket.sendall(self.socket, _PLAIN)
            return False
        self._greeted = True
        return True


class Server(CherootServer):
    """Serves a WSGI application on a bound socket, from `prepare` and `serve` to `stop`."""

    ConnectionClass = _Connection
    max_request_header_size = _HEADER_BYTES
    keep_alive_conn_limit = 10_000

    def __init__(self, listener: socket.socket, application: Any, *, certificate: Path, key: Path) -> None:
        super().__init__(
            listener.getsockname()[:2],
            application,
            numthreads=THREADS,
            request_queue_size=_BACKLOG,
            timeout=SILENT_SECONDS,
            shutdown_timeout=2 * STOP_SECONDS,
        )
        self.show(certificate=certificate, key=key)
        self._listener = listener
        self._busy: set[socket.socket] = set()

    def show(self, *, certificate: Path, key: Path) -> None:
        """Show this certificate to new connections; those that there are go on."""
        # A context of its own: in one that is in use, a handshake could meet the new certificate with the former key.
        self.ssl_adapter = _Tls(str(certificate), str(key))

    @contextmanager
    def busy(self, connection: socket.socket) -> Iterator[None]:
        """Marks a connection as one that a thread is at."""
        self._busy.add(connection)
        try:
            yield
        finally:
            self._busy.discard(connection)

    def bind(self, family: int, type: int, proto: int = 0) -> socket.socket:  # noqa: A002
        self.socket = self._listener
        return self._listener

    def process_conn(self, conn: HTTPConnection) -> None:
        """Give a connection that has something to say to a thread; a new one waits for its first byte without any."""
        if conn.last_used is None:
            self.put_conn(conn)
        else:
            super().process_conn(conn)

    def stop(self) -> None:
        """Accept nothing more, let requests end, cut off those that don't."""
        cut = threading.Timer(STOP_SECONDS, self._cut)
        cut.start()
        super().stop()
        cut.cancel()

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        log.log(logging.DEBUG if level < logging.ERROR else level, "%s", msg, exc_info=traceback)

    def _cut(self) -> None:
        for connection in tuple(self._busy):
            # Not SSLSocket's own: that takes the encryption away under the thread that still writes.
            with suppress(OSError):  # it has just ended by itself
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
