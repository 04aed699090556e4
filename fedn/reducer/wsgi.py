"""The web server: cheroot over TLS, kept from what would let one silent or greedy peer hold up the others."""

from __future__ import annotations

import logging
import resource
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
from cheroot.wsgi import Gateway_10
from cheroot.wsgi import Server as CherootServer

from fedn.reducer.incoming import HEAD_BYTES, Body, Chunks, Headers, Incoming
from fedn.reducer.outgoing import PEER, Outgoing

log = logging.getLogger(__name__)

THREADS = 48
SILENT_SECONDS = 30
"""How long a peer may say nothing in the middle of a request, or take nothing of an answer."""
STOP_SECONDS = 3
"""How long requests may still run once the server stops; then they are cut off."""

CONNECTIONS = 10_000
"""How many peers may be connected without a request that is served, where the process may have twice as many files."""

LINGER_SECONDS = 2.0
"""How long a peer that still sends is heard out, after an answer that ends the connection."""

_BACKLOG = 1024
_PLAIN = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\nThis port speaks https.\n"


class _Tls(BuiltinSSLAdapter):
    """Leaves the handshake to the thread that serves the connection; cheroot does it where it accepts them all."""

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        return self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), {}

    def makefile(self, sock: ssl.SSLSocket, mode: str = "r", bufsize: int = -1) -> Any:
        return Outgoing(sock) if "w" in mode else Incoming(sock)


class _Request(HTTPRequest):
    """Never reads a body that nobody asked for, as cheroot does before it answers."""

    header_reader = Headers()

    def read_request_headers(self) -> bool:
        if not super().read_request_headers():  # type: ignore[no-untyped-call]
            return False
        if b"Transfer-Encoding" in self.inheaders and not self.chunked_read:
            self.simple_response("400 Bad Request", "HTTP/1.0 knows no chunks.")
            return False
        return True

    def simple_response(self, status: str, msg: str = "") -> None:
        """An answer of cheroot's own, to what the application doesn't get to see. It ends the connection."""
        self.close_connection = self.conn.leaving = True
        head = (
            f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(msg)}\r\nContent-Type: text/plain\r\n\r\n"
        )
        with suppress(OSError):  # the peer left
            self.conn.wfile.write((head + msg).encode("latin-1", "replace"))

    def respond(self) -> None:
        length = int(self.inheaders.get(b"Content-Length", 0))
        self.rfile = Chunks(self.conn.rfile) if self.chunked_read else Body(self.conn.rfile, length)
        self.server.gateway(self).respond()
        self.ensure_headers_sent()
        if self.chunked_write:
            self.conn.wfile.write(b"0\r\n\r\n")
        self.conn.leaving = not self.rfile.skip()

    def send_headers(self) -> None:
        self.close_connection |= not self.rfile.skip()
        super().send_headers()


class _Gateway(Gateway_10):
    def get_environ(self) -> dict[str, Any]:  # type: ignore[override]
        return {**super().get_environ(), PEER: self.req.conn.wfile}  # type: ignore[no-untyped-call]


class _Connection(HTTPConnection):
    """A peer. It takes a thread while a request of its is served, and for what takes no time."""

    RequestHandlerClass = _Request
    leaving = False
    """Whether it is only heard out: a peer that still sends would not get to see the answer if the line were cut."""

    _greeted = False
    _since: float | None = None

    @property
    def last_used(self) -> float | None:
        """When it began what it is at: cheroot closes what is at one thing for too long."""
        return self._since

    @last_used.setter
    def last_used(self, now: float) -> None:
        self._since = self._since or now

    def communicate(self) -> bool:
        """Go on with a peer that has said something. Whether it may speak again; until it does, it takes no thread."""
        with self.server.busy(self.socket):
            try:
                return self.rfile.drain() if self.leaving else self._go_on()
            except (OSError, EOFError) as error:
                log.debug("%s left: %s", self.remote_addr, error)
                return False

    def _go_on(self) -> bool:
        if not self._greeted and not self._greet():
            return True
        if self.rfile.empty:
            self._since = None
        if not self.rfile.gather():
            return True
        self.wfile.known = False
        if super().communicate():  # type: ignore[no-untyped-call]
            self._since = None
            return True
        self._since = time.time() - SILENT_SECONDS + LINGER_SECONDS
        return self.leaving

    def _greet(self) -> bool:
        """The handshake, as far as it goes without waiting; whether that is all of it."""
        self.socket.settimeout(0)
        try:
            self.socket.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as error:
            if "HTTP_REQUEST" in str(error):
                socket.socket.send(self.socket, _PLAIN)
            raise
        self.socket.settimeout(SILENT_SECONDS)
        self._greeted = True
        return True


class Server(CherootServer):
    """Serves a WSGI application on a bound socket, from `prepare` and `serve` to `stop`."""

    ConnectionClass = _Connection
    max_request_header_size = HEAD_BYTES

    def __init__(self, listener: socket.socket, application: Any, *, certificate: Path, key: Path) -> None:
        super().__init__(
            listener.getsockname()[:2],
            application,
            numthreads=THREADS,
            request_queue_size=_BACKLOG,
            timeout=SILENT_SECONDS,
            shutdown_timeout=2 * STOP_SECONDS,
        )
        self.gateway = _Gateway
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.keep_alive_conn_limit = CONNECTIONS if files == resource.RLIM_INFINITY else min(CONNECTIONS, files // 2)
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
            self._make_room()
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

    def _make_room(self) -> None:
        """Close those that have waited longest, where there are too many: with no files left, nobody could come in."""
        manager: Any = self._connections  # type: ignore[attr-defined]
        if not manager.can_add_keepalive_connection:
            waiting = sorted(conn.last_used for _, conn in manager._selector.connections if conn is not self)
            manager._expire(threshold=waiting[len(waiting) // 8])

    def _cut(self) -> None:
        for connection in tuple(self._busy):
            # Not SSLSocket's own: that takes the encryption away under the thread that still writes.
            with suppress(OSError):  # it has just ended by itself
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
