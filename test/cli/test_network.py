"""The commands for who is there and who goes where, against real networks; and the network as it is followed."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import pty
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from loopback import Federation
from rich.console import Console
from waiting import within

from fedn.cli import exits, redial
from fedn.cli.network_live import follow
from fedn.cli.network_view import CLIENTS
from fedn.errors import Unauthenticated
from fedn.security.tokens import Role

CLIENT = {"instance": "", "version": "1.0", "needs_package": True, "legacy": False, "processor": 0.0, "since": 0.0}
COMBINER = {"host": "h", "port": 1, "max_clients": 5, "processor": 0.0, "memory_bytes": 0, "legacy_clients": False}


def combiner(name: str, clients: int = 0, *, connected: bool = True, drained: bool = False, error: str = "") -> Any:
    states = {"connected": connected, "drained": drained, "draining": drained, "error": error}
    return {**COMBINER, "name": name, "clients": clients, **states, "round_trip": 0.0042, "last_seen": time.time()}


def client(name: str, at: str, *, leaving: bool = False) -> Any:
    seen = {"round_trip": None, "last_seen": None, "memory_bytes": 0, "leaving": leaving}
    return {**CLIENT, "name": name, "combiner": at, **seen}


def network(*members: Any, state: str = "idle", legacy: bool = False) -> Any:
    combiners = [one for one in members if "host" in one]
    clients = [one for one in members if "host" not in one]
    return {"reducer": {"state": state, "legacy_clients": legacy}, "combiners": combiners, "clients": clients}


def notices(*found: Any) -> Iterator[tuple[str, Any]]:
    """A text says that the reducer has gone for that reason, a number that it was away for so long."""
    kinds = {dict: "network", str: redial.LOST, float: redial.BACK}
    for one in found:
        kind = kinds[type(one)]
        yield kind, {"network": one, redial.LOST: {"error": one}, redial.BACK: {"seconds": one}}[kind]


def shown(*found: Any, terminal: bool = False) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=150, height=50, color_system=None)
    follow(notices(*found), console, url="https://r:1")
    return console.file.getvalue()  # type: ignore[attr-defined]


def told(*found: Any) -> list[str]:
    """What is said after the first look, without the times."""
    first, *rest = found
    begun = len(shown(first).splitlines())
    return [line[20:] for line in shown(first, *rest).splitlines()[begun:]]


def test_what_changes_is_told_line_by_line() -> None:
    assert told(
        network(combiner("c0", 1), combiner("c1"), client("ada", "c0")),
        network(combiner("c0", 1), combiner("c1"), client("ada", "c0")),
        network(
            combiner("c0", 1), combiner("c1", 1), client("ada", "c1"), client("b\x1b[31m", "c0"), state="monitoring"
        ),
        network(combiner("c0", 1, drained=True), combiner("c1", connected=False, error="the cable is cut")),
        network(combiner("c0", drained=True), combiner("c1", connected=False, drained=True, error="the cable is cut")),
        network(combiner("c2")),
    ) == [
        "reducer: monitoring",
        "client ada went from combiner c0 to c1",
        "client b\\x1b[31m came to combiner c0",
        "reducer: idle",
        "combiner c0: draining",
        "combiner c1: out of reach: the cable is cut",
        "client ada left combiner c1",
        "client b\\x1b[31m left combiner c0",
        "combiner c0: drained",
        "combiner c1: out of reach, drained: the cable is cut",
        "combiner c0: removed",
        "combiner c1: removed",
        "combiner c2: connected",
    ]


def test_what_a_client_uses_is_left_open_before_its_first_heartbeat() -> None:
    silent, heard = client("ada", "c"), {**client("grace", "c"), "processor": 0.25, "memory_bytes": 2**20}
    cells = [
        [tell(one) for name, tell in CLIENTS.items() if name in ("processor", "memory")] for one in (silent, heard)
    ]
    assert cells == [["", ""], ["25%", "1.0 MiB"]]


def test_that_the_reducer_is_away_is_told_and_that_it_is_back() -> None:
    found = network(combiner("c0"))
    assert told(found, "it hung up", 2.5, found, network(combiner("c1"))) == [
        "the reducer is away, and dialled anew: it hung up",
        "the reducer is back after 2.5 s",
        "combiner c0: removed",
        "combiner c1: connected",
    ]


def test_a_terminal_shows_the_network_as_it_is_now() -> None:
    there = network(combiner("c0", 1), client("ada", "c0", leaving=True), legacy=True)
    text = shown(there, network(state="setup"), "nobody there", there, terminal=True).split("\x1b[2K")[-1]
    for part in ("reducer at https://r:1: idle", "let in at no combiner", "4.2 ms", "0 s ago", "c0, leaving"):
        assert part in text
    assert "away" not in text
    text = shown(there, "nobody there", terminal=True)
    assert "the reducer is away, and dialled anew: nobody there" in text
    assert "connecting …" in shown(terminal=True)


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Federation]:
    async with Federation(tmp_path, combiners=2) as network:
        yield network


@pytest.fixture
def at(fedn, there: Federation) -> Callable[..., Awaitable[Any]]:
    """Runs a command on the network."""
    return lambda *words: asyncio.to_thread(fedn, *words, "--data-dir", there.folder)


async def test_a_combiner_is_drained_resumed_and_removed(there: Federation, at: Any) -> None:
    await there.add_client("ada", combiner="c0")
    refused = await at("combiner", "remove", "c0")
    assert (refused.status, "fedn combiner drain c0" in refused.err) == (7, True)
    assert (await at("combiner", "drain", "c0")).out == (
        "combiner c0 is drained: 1 clients go to others once they have delivered\n"
    )
    await there.until(lambda: there.live() == {"ada": "c1"})
    assert " drained " in (await at("combiner", "list")).out
    assert (await at("combiner", "drain", "c0")).out == "combiner c0 is drained: no clients\n"
    assert (await at("combiner", "resume", "c0")).out == "combiner c0 takes clients again\n"
    assert (await at("combiner", "drain", "c0", "--json")).json["drained"]
    assert (await at("combiner", "remove", "c0")).out == "combiner c0 is removed\n"
    assert (await at("combiner", "remove", "c0")).status == 6


async def test_a_client_is_moved_and_removed(there: Federation, at: Any) -> None:
    gone = await there.add_client("ada", combiner="c0")
    moved = await at("client", "reassign", "ada", "--combiner", "c1")
    assert moved.out == "client ada goes from combiner c0 to c1\n"
    await there.until(lambda: there.live() == {"ada": "c1"})
    assert (await at("client", "reassign", "ada", "--combiner", "c9")).status == 6
    assert (await at("client", "reassign", "ada", "--combiner", "c1", "--json")).json["error"]["code"] == "conflict"
    assert (await at("client", "remove", "ada", "--revoke")).status == 7
    assert (await at("client", "remove", "ada")).out == "client ada is removed\n"
    with pytest.raises(Unauthenticated, match="the operator removed this client"):
        await within(gone)
    token = await asyncio.to_thread(there.services.tokens.issue, Role.CLIENT, days=1, subject="ben")
    await asyncio.to_thread(lambda: there.services.network.place("ben", instance="1", token_id=token[0].id))
    removed = await at("client", "remove", "ben", "--revoke")
    assert removed.out == f"client ben is removed, and its token {token[0].id} is revoked\n"


def watch(folder: Path, *words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "fedn", "network", "show", "--watch", "--data-dir", str(folder), *words)


@pytest.mark.parametrize("form", ["lines", "json", "terminal"])
async def test_the_network_is_followed_also_from_one_reducer_to_the_next(tmp_path: Path, form: str) -> None:
    async with Federation(tmp_path, process=True) as there:
        end, out = pty.openpty() if form == "terminal" else os.pipe()
        command = watch(tmp_path, *(["--json"] if form == "json" else []))
        process = await asyncio.create_subprocess_exec(*command, stdout=out, stdin=asyncio.subprocess.DEVNULL)
        os.close(out)
        said = Said(end)
        try:
            await said.until("c0")
            await there.add_client("ada")
            await said.until("ada")
            assert there.process is not None
            await there.process.kill()
            await said.until(redial.LOST if form == "json" else "the reducer is away")
            await there.stop_reducer()
            await there.start_reducer()
            await there.connected("c0")
            await there.add_client("ben")
            await said.until("ben")
            process.send_signal(signal.SIGINT)
            status = await within(process.wait())
        finally:
            with contextlib.suppress(ProcessLookupError):  # it has ended, as it should
                process.kill()
            await said.close()
        assert status == exits.INTERRUPTED
        assert "Traceback" not in said.text
        if form == "json":
            kinds = [json.loads(line)["kind"] for line in said.text.splitlines()]
            assert set(kinds) == {"network", redial.LOST, redial.BACK}
        elif form == "lines":
            assert "client ben came to combiner c0" in said.text


class Said:
    """What a process writes into the other end of a pipe or terminal."""

    def __init__(self, end: int) -> None:
        self.text = ""
        self._at = 0
        self._end = end
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def until(self, text: str) -> None:
        """Wait for this to come after what was waited for last."""

        async def wait() -> None:
            while text not in self.text[self._at :]:
                assert not self._reading.done(), self.text
                self._news.clear()
                await self._news.wait()

        await within(wait())
        self._at = self.text.index(text, self._at) + len(text)

    async def close(self) -> None:
        await within(self._reading)
        os.close(self._end)

    async def _read(self) -> None:
        with contextlib.suppress(OSError):  # what a terminal without a process says
            while piece := await asyncio.to_thread(os.read, self._end, 1 << 16):
                self.text += piece.decode(errors="replace")
                self._news.set()
        self._news.set()
