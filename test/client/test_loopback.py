"""The web server of the status page: what it answers, and what it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from waiting import within

from fedn.client import loopback
from fedn.client.loopback import Page, serving
from fedn.client.standing import Standing
from fedn.errors import ConfigError

PAGE = Page(b"<p>here</p>", "text/html; charset=utf-8")


class Reader:
    """A connection by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    @asynccontextmanager
    async def at(cls, port: int, sent: bytes = b"") -> AsyncIterator[Reader]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(sent)
            yield cls(reader, writer)
        finally:
            writer.close()
            await writer.wait_closed()

    async def status(self) -> int:
        return int((await within(self._reader.readuntil(b"\r\n"))).split()[1])

    async def until(self, text: bytes) -> bytes:
        return await within(self._reader.readuntil(text))

    async def rest(self) -> str:
        return (await within(self._reader.read())).decode()


@pytest.fixture
def standing() -> Standing:
    return Standing("client")


@pytest.fixture
async def port(standing: Standing) -> AsyncIterator[int]:
    async with serving(0, {"/": lambda: PAGE}, events="/events", listening=standing.listening) as port:
        yield port


def request(port: int, line: str = "GET / HTTP/1.1", **headers: str) -> bytes:
    given = {"Host": f"localhost:{port}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return "\r\n".join([line, *(f"{name}: {value}" for name, value in given.items()), "\r\n"]).encode()


async def answer(port: int, sent: bytes) -> tuple[int, str]:
    async with Reader.at(port, sent) as reader:
        return await reader.status(), await reader.rest()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LocalHost"])
async def test_a_page_is_read_under_this_machines_own_names(port: int, host: str) -> None:
    status, text = await answer(port, request(port, "GET /?again=1 HTTP/1.1", Host=f"{host}:{port}"))
    head, _, body = text.partition("\r\n\r\n")
    assert (status, body) == (200, "<p>here</p>")
    for header in ("X-Content-Type-Options: nosniff", "Cache-Control: no-store", "Content-Length: 11"):
        assert header in head
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in head
    assert "unsafe" not in head


@pytest.mark.parametrize(
    "host", ["evil.example:{port}", "localhost", "localhost:1", "localhost.evil.example:{port}", ""]
)
@pytest.mark.parametrize("path", ["/", "/events", "/nowhere"])
async def test_a_name_that_is_not_this_machines_is_refused(port: int, host: str, path: str) -> None:
    status, text = await answer(port, request(port, f"GET {path} HTTP/1.1", Host=host.format(port=port)))
    assert (status, "here</p>" in text) == (403, False)


async def test_a_request_names_its_host_once(port: int) -> None:
    assert (await answer(port, b"GET / HTTP/1.1\r\n\r\n"))[0] == 403
    twice = f"GET / HTTP/1.1\r\nHost: localhost:{port}\r\nHost: evil.example\r\n\r\n".encode()
    assert (await answer(port, twice))[0] == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "get"])
async def test_whatever_would_change_something_is_refused(port: int, method: str) -> None:
    status, text = await answer(port, request(port, f"{method} / HTTP/1.1", Content_Length="0"))
    assert (status, "Allow: GET\r\n" in text) == (405, True)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_other_sites_may_lead_here_but_not_read(port: int, site: str) -> None:
    assert (await answer(port, request(port, Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate")))[0] == 200
    for path in ("/", "/events"):
        sent = request(port, f"GET {path} HTTP/1.1", Sec_Fetch_Site=site, Sec_Fetch_Mode="no-cors")
        assert (await answer(port, sent))[0] == 403


@pytest.mark.parametrize("line", ["GET /", "GET / HTTP/2", "nonsense", "GET  / HTTP/1.1", ""])
async def test_what_is_no_request_is_refused(port: int, line: str) -> None:
    assert (await answer(port, request(port, line)))[0] == 400


@pytest.mark.parametrize("path", ["/../status.py", "/static/status.js", "//", "http://localhost/", "/%2e%2e/"])
async def test_there_is_nothing_but_the_pages(port: int, path: str) -> None:
    assert (await answer(port, request(port, f"GET {path} HTTP/1.1")))[0] == 404


async def test_a_request_may_not_be_large(port: int) -> None:
    assert (await answer(port, request(port, Padding="x" * 10_000)))[0] == 431
    assert (await answer(port, request(port, Padding="x" * 7_000)))[0] == 200


async def test_a_request_may_not_be_slow(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loopback, "SECONDS", 0.1)
    assert (await answer(port, b"GET / HTTP/1.1\r\n"))[0] == 408


async def test_connections_are_few_and_those_that_close_make_room(port: int) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(loopback.STREAMS):
            reader = await stack.enter_async_context(Reader.at(port, request(port, "GET /events HTTP/1.1")))
            assert await reader.status() == 200
            await reader.until(b"data: changed\n\n")
        assert (await answer(port, request(port, "GET /events HTTP/1.1")))[0] == 503
        assert (await answer(port, request(port)))[0] == 200
        for _ in range(loopback.CONNECTIONS - loopback.STREAMS):
            await stack.enter_async_context(Reader.at(port))
        assert (await answer(port, b""))[0] == 503

    async def read() -> None:
        while (await answer(port, request(port)))[0] == 503:  # until it has heard of the ends
            pass

    await within(read())


async def test_news_comes_as_it_happens_until_the_server_ends(standing: Standing) -> None:
    async with AsyncExitStack() as stack:
        server = serving(0, {}, events="/events", listening=standing.listening)
        async with server as port:
            reader = await stack.enter_async_context(Reader.at(port, request(port, "GET /events HTTP/1.1")))
            assert "text/event-stream" in (await reader.until(b"data: changed\n\n")).decode()
            standing.connected()
            await reader.until(b"data: changed\n\n")
        await reader.rest()


async def test_a_port_in_use_is_said(port: int, standing: Standing) -> None:
    with pytest.raises(ConfigError, match=rf"port {port} on 127.0.0.1 is in use .*--status-port"):
        async with serving(port, {}, events="/events", listening=standing.listening):
            pytest.fail("two servers share a port")
