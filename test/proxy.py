"""A network that tests can cut."""

from __future__ import annotations

import asyncio
import contextlib


class Proxy:
    """A network that can be cut, between a client and a combiner. Use it in an `async with` block.

    Args:
        port: Where to pass connections on to.
    """

    def __init__(self, port: int) -> None:
        self.port = 0
        self.passed = 0
        """Bytes that were passed on, either way."""
        self.cut_after: int | None = None
        """Cut everything once when so many bytes have been passed on."""
        self.mute = False
        """Whether what comes back is lost."""
        self.open = asyncio.Event()
        """While it is not set, new connections are cut at once."""
        self.open.set()
        self._target = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    def cut(self) -> None:
        """Reset all connections that there are."""
        for writer in self._writers:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.open.is_set():
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection("localhost", self._target)
        self._writers |= {writer, far_writer}
        self._pumps |= {
            asyncio.create_task(self._pump(reader, far_writer, back=False)),
            asyncio.create_task(self._pump(far_reader, writer, back=True)),
        }

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, back: bool) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                if back and self.mute:
                    continue
                self.passed += len(data)
                if self.cut_after is not None and self.passed >= self.cut_after:
                    self.cut_after = None
                    self.cut()
                    break
                writer.write(data)
                await writer.drain()
        writer.transport.abort()
