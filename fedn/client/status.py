"""The status page of a client, on loopback: where it stands and the newest lines of its log.

The page itself is three files that never change. It listens at `/events`, and reads `/status.json` when that says so.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

from fedn.client.lines import Lines
from fedn.client.loopback import ADDRESS, Page, Pages, serving
from fedn.client.standing import Standing

log = logging.getLogger(__name__)

_FILES = Path(__file__).parent / "static"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


@asynccontextmanager
async def status_page(standing: Standing, port: int | None) -> AsyncIterator[None]:
    """Show where a client stands, for as long as the block lasts.

    Args:
        port: 0 takes any free one; none shows nothing.

    Raises:
        ConfigError: The port can't be had.
    """
    if port is None:
        yield
        return
    loop = asyncio.get_running_loop()

    def added() -> None:
        with suppress(RuntimeError):  # the loop is closed: the process ends
            loop.call_soon_threadsafe(standing.changed)

    lines = Lines(added)

    def status() -> Page:
        return Page(json.dumps({**standing.values(), "log": lines.values()}).encode(), "application/json")

    pages: Pages = {
        "/": partial(_file, "status.html"),
        "/status.css": partial(_file, "status.css"),
        "/status.js": partial(_file, "status.js"),
        "/status.json": status,
    }
    async with serving(port, pages, events="/events", listening=standing.listening) as taken:
        root = logging.getLogger()
        root.addHandler(lines)
        log.info("the status page is at http://%s:%d/", ADDRESS, taken)
        try:
            yield
        finally:
            root.removeHandler(lines)


def _file(name: str) -> Page:
    file = _FILES / name
    return Page(file.read_bytes(), f"{_TYPES[file.suffix]}; charset=utf-8")
