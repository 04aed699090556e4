"""Following the network: a picture that is drawn anew on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from fedn.api import Reducer
from fedn.cli import redial, show
from fedn.cli.network_view import Json, changes, picture
from fedn.errors import FednError
from fedn.log import harmless

FRESH_SECONDS = 5.0
"""After so long the reducer is asked again although nothing has happened: processor, memory and ages change."""

BUSY_SECONDS = 0.25
"""How long it is left alone while much happens."""


def looks(reducer: Reducer) -> redial.Notices:
    """`network` with the whole of it, at first and whenever something has changed, without an end.

    A reducer that goes away is dialled anew for as long as it takes; `redial` says what is told meanwhile.
    """
    return redial.redialled(partial(_while_there, reducer), give_up_after=math.inf)


def _while_there(reducer: Reducer) -> redial.Notices:
    notices = reducer.watch()
    news, ended = threading.Event(), threading.Event()

    def read() -> None:
        with suppress(FednError):  # the next look says what is wrong
            for kind, _ in notices:
                if kind in ("network", "session"):
                    news.set()
        ended.set()
        news.set()

    threading.Thread(target=read, name="network-news", daemon=True).start()
    while not ended.is_set():
        news.clear()
        yield "network", reducer.network()
        ended.wait(BUSY_SECONDS)
        news.wait(FRESH_SECONDS)


def follow(notices: redial.Notices, console: Console, *, url: str) -> None:
    """Show the network for as long as there are notices, or until whoever looks has seen enough (Ctrl-C)."""
    if console.is_terminal:
        _draw(notices, console, url)
        return
    for line in _lines(notices, console, url):
        console.print(harmless(f"{show.instant(time.time())} {line}"), soft_wrap=True)
        console.file.flush()


def _draw(notices: redial.Notices, console: Console, url: str) -> None:
    network: Json | None = None
    trouble = ""

    def render() -> RenderableType:
        shown: RenderableType = picture(network, url) if network else Text("connecting …")
        return Group(Text(trouble, style="yellow"), shown) if trouble else shown

    with Live(get_renderable=render, console=console, refresh_per_second=2):
        for kind, data in notices:
            trouble = _away(data) if kind == redial.LOST else ""
            if kind == "network":
                network = data


def _lines(notices: redial.Notices, console: Console, url: str) -> Iterator[str]:
    """What there is to say after the first look, which is printed whole."""
    network: Json | None = None
    for kind, data in notices:
        if kind == redial.LOST:
            yield _away(data)
        elif kind == redial.BACK:
            yield f"the reducer is back after {data['seconds']:.1f} s"
        else:
            if network is None:
                console.print(picture(data, url))
                console.file.flush()
            else:
                yield from changes(network, data)
            network = data


def _away(data: Json) -> str:
    return harmless(f"the reducer is away, and dialled anew: {data['error']}")
