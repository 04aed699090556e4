"""A web server for this machine alone: a few pages and one stream of notices, to read and nothing else.

It is written on asyncio's own server rather than `http.server`, for three reasons. What it shows is then read in the
thread that changes it, so that nothing needs a lock. A reader who is slow or never ends a request costs a few
kilobytes, not a thread. And every limit (size and time of a request, number of connections) stands here to be seen.
What it understands of HTTP is a GET with its headers: it reads no bodies, keeps no connection, and decodes no paths.

It listens on 127.0.0.1 only. A page of another site could still lead its visitor's browser here under a name of its own
(DNS rebinding), so requests must name this machine in `Host`; and what is no visit to a page must not come from another
site.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from fedn.errors import ConfigError

ADDRESS = "127.0.0.1"
HEAD_BYTES = 8192
"""Of a request, at the most."""
SECONDS = 5.0
"""For a request to come in, and for each part of an answer to be taken."""
CONNECTIONS = 32
"""At a time."""
STREAMS = 8
"""Of them, streams of notices, which stay open."""

_HEADERS = """\
Cache-Control: no-store
Connection: close
Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; \
form-action 'none'; base-uri 'none'; frame-ancestors 'none'
Cross-Origin-Opener-Policy: same-origin
Cross-Origin-Resource-Policy: same-origin
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
"""


@dataclass(frozen=True)
class Page:
    """What a path answers."""

    content: bytes
    type: str


Pages = Mapping[str, Callable[[], Page]]
Listening = Callable[[], AbstractContextManager[asyncio.Event]]


class _Refused(Exception):
    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.page = Page(f"{reason}\n".encode(), "text/plain; charset=utf-8")


@asynccontextmanager
async def serving(port: int, pages: Pages, *, events: str, listening: Listening) -> AsyncIterator[int]:
    """Serve for as long as the block lasts; gives the port.

    Args:
        port: 0 takes any free one.
        pages: By path.
        events: Path of the stream of server-sent events, one whenever the event of `listening` is set.

    Raises:
        ConfigError: The port can't be had.
    """
    desk = _Desk(pages, events, listening)
    try:
        server = await asyncio.start_server(desk.accept, ADDRESS, port, limit=HEAD_BYTES)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            problem = f"port {port} on {ADDRESS} is in use"
            hint = "stop what listens there, or choose another with --status-port; 0 takes any free one"
        else:
            problem = f"can't listen on port {port} of {ADDRESS}: {error.strerror}"
            hint = "choose another with --status-port; 0 takes any free one"
        raise ConfigError(problem, hint=hint) from error
    taken: int = server.sockets[0].getsockname()[1]
    desk.hosts = _hosts(taken)
    try:
        yield taken
    finally:
        server.close()
        await desk.close()


def _hosts(port: int) -> frozenset[str]:
    """What `Host` may say; browsers leave out a port that is HTTP's own."""
    names = ("localhost", ADDRESS, "[::1]")
    return frozenset({f"{name}:{port}" for name in names} | (set(names) if port == 80 else set()))


class _Desk:
    """Answers connections."""

    def __init__(self, pages: Pages, events: str, listening: Listening) -> None:
        self.hosts: frozenset[str] = frozenset()
        self._pages = pages
        self._events = events
        self._listening = listening
        self._open: set[asyncio.Task[None]] = set()
        self._streams = 0

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the one request of a connection."""
        writer.transport.set_write_buffer_limits(high=0)  # so that drain waits until all is taken
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._open.add(task)

        def ended(_: object) -> None:
            self._open.discard(task)
            if not writer.is_closing():
                writer.transport.abort()

        task.add_done_callback(ended)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError, asyncio.TimeoutError):  # the reader has gone, or takes no more
            await self._answer(reader, writer)
            writer.close()

    async def close(self) -> None:
        """Break off all connections."""
        tasks = list(self._open)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if len(self._open) > CONNECTIONS:
                raise _Refused(HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections are open.")
            path = _path(await _head(reader), hosts=self.hosts)
            if path == self._events:
                await self._stream(reader, writer)
                return
            if path not in self._pages:
                raise _Refused(HTTPStatus.NOT_FOUND, "There is no such page. The status of the client is at /")
            await _send(writer, HTTPStatus.OK, self._pages[path]())
        except _Refused as refused:
            await _send(writer, refused.status, refused.page)

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Say at once, and then whenever it is so, that there is news; until the reader goes."""
        if self._streams >= STREAMS:
            raise _Refused(HTTPStatus.SERVICE_UNAVAILABLE, "Too many pages are open.")
        self._streams += 1
        gone = asyncio.ensure_future(reader.read(1))
        try:
            with self._listening() as news:
                gone.add_done_callback(partial(_wake, news))
                writer.write(_start(HTTPStatus.OK, "text/event-stream") + b"\r\n")
                while not gone.done():
                    writer.write(b"data: changed\n\n")
                    await asyncio.wait_for(writer.drain(), SECONDS)
                    await news.wait()
                    news.clear()
        finally:
            self._streams -= 1
            gone.cancel()


def _wake(news: asyncio.Event, gone: asyncio.Future[bytes]) -> None:
    if not gone.cancelled():
        gone.exception()  # marks it as seen: however the reader went, it has gone
    news.set()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SECONDS)
    except asyncio.TimeoutError:
        raise _Refused(HTTPStatus.REQUEST_TIMEOUT, "The request took too long to come in.") from None
    except asyncio.LimitOverrunError:
        raise _Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request is too large.") from None


def _path(head: bytes, *, hosts: frozenset[str]) -> str:
    """The path that a request asks for, without a query.

    Raises:
        _Refused: It is none that may be answered.
    """
    first, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    words = first.split(" ")
    headers = [(name.lower(), value.strip()) for name, colon, value in (line.partition(":") for line in rest)]
    if len(words) != 3 or words[2] not in ("HTTP/1.0", "HTTP/1.1"):
        raise _Refused(HTTPStatus.BAD_REQUEST, "This is no request of HTTP/1.1.")
    named = [value.lower() for name, value in headers if name == "host"]
    if len(named) != 1 or named[0] not in hosts:
        raise _Refused(HTTPStatus.FORBIDDEN, f"This page is at {' and '.join(sorted(hosts))} only.")
    if words[0] != "GET":
        raise _Refused(HTTPStatus.METHOD_NOT_ALLOWED, "This page is there to be read: GET is all it answers.")
    known = dict(headers)
    if known.get("sec-fetch-site", "none") not in ("none", "same-origin") and known.get("sec-fetch-mode") != "navigate":
        raise _Refused(HTTPStatus.FORBIDDEN, "This page is not for other sites to read.")
    return words[1].partition("?")[0]


def _start(status: HTTPStatus, kind: str) -> bytes:
    allow = "Allow: GET\n" if status is HTTPStatus.METHOD_NOT_ALLOWED else ""
    text = f"HTTP/1.1 {status.value} {status.phrase}\nContent-Type: {kind}\n{allow}{_HEADERS}"
    return text.replace("\n", "\r\n").encode("latin-1")


async def _send(writer: asyncio.StreamWriter, status: HTTPStatus, page: Page) -> None:
    writer.write(_start(status, page.type) + b"Content-Length: %d\r\n\r\n" % len(page.content) + page.content)
    await asyncio.wait_for(writer.drain(), SECONDS)
