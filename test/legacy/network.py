"""A federation for tests with clients of 2021 in it: all but the clients of functions are processes of their own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loopback import Federation
from processes import Process

from fedn.package import archive
from fedn.security.join import JoinString
from fedn.stores.documents import Model

CLIENT = Path(__file__).with_name("client.py")

WAIT = ("--wait", "0.5")
"""The clients of 2021 try again sooner here than after 5 s."""


class OldClient(Process):
    """A client of 2021, and what it says. Ending it ends the commands of its package, too."""

    @classmethod
    async def begin(cls, *words: str, folder: Path, stubs: Path) -> OldClient:
        """Start it in a folder, where `data/` lies, with the modules of the wire in `stubs`."""
        python = Path(sys.executable)
        environ = {"PYTHONPATH": str(stubs), "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
        process = await asyncio.create_subprocess_exec(
            python,
            CLIENT,
            *words,
            cwd=folder,
            env={**os.environ, **environ},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        return cls(process)

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    async def kill(self) -> None:
        self.signal(signal.SIGKILL)
        await self.ended()

    stop = kill  # such a client has nothing to end in order


class Network(Federation):
    """A reducer, with whatever is added to it; `async with` starts and ends it.

    Args:
        folder: Of all data.
        stubs: The wire of 2021 as Python modules.
    """

    def __init__(self, folder: Path, stubs: Path) -> None:
        super().__init__(folder, combiners=0, process=True)
        self._stubs = stubs
        self._ends = contextlib.AsyncExitStack()
        self.processes: dict[str, Process] = {}
        """The combiners."""

    async def _close(self) -> None:
        await self._ends.aclose()
        await super()._close()

    async def combiner(self, name: str, *words: str) -> Process:
        """Start a combiner and wait until the reducer has it."""
        process = self.processes[name] = await self.combiner_process(name, *words)
        self._ends.push_async_callback(process.stop)
        return process

    async def begin(self, name: str, *words: str, data: Any = None, token: str | None = None) -> OldClient:
        """Start a client of 2021, and don't wait.

        Args:
            data: JSON that its package finds as `../data/data.json`.
            token: For the reducer, by default a good one.
        """
        folder = self._folder(name, data)
        join = JoinString.parse(self.join("client"))
        where = ("-d", join.host, "-p", str(join.port), "-t", join.token if token is None else token, "-n", name)
        client = await OldClient.begin(*where, *WAIT, *words, folder=folder, stubs=self._stubs)
        self._ends.push_async_callback(client.stop)
        return client

    async def old(self, name: str, *words: str, data: Any = None) -> OldClient:
        """Start a client of 2021 and wait until the reducer knows of it."""
        client = await self.begin(name, *words, data=data)
        await client.says("at work")
        await self.until(lambda: name in self.live())
        return client

    async def present(self, name: str, *words: str, data: Any = None) -> Process:
        """Start a client of today that works with the package, and wait until the reducer knows of it."""
        words = ("--name", name, "--data", str(self._folder(name, data) / "data"), *words)
        process = await Process.start("client", *words, data_dir=self.folder)
        self._ends.push_async_callback(process.stop)
        await self.until(lambda: name in self.live())
        return process

    async def upload(self, files: Mapping[str, str], *, helper: str = "") -> None:
        """Make files, by name, the network's compute package."""
        code = self.folder / "project" / "client"
        code.mkdir(parents=True)
        for name, text in files.items():
            (code / name).write_text(textwrap.dedent(text), encoding="utf-8")
        packed = archive.build(code.parent, self.folder / "package.tgz")
        await asyncio.to_thread(lambda: self.operator.upload_package(packed, helper=helper))

    async def seed_file(self, path: Path) -> Model:
        return await asyncio.to_thread(self.operator.seed_model, path)

    async def whole_trail(self) -> list[Model]:
        """The models with their updates, oldest first."""
        return [await asyncio.to_thread(self.operator.model, model.id) for model in await self.trail()]

    def _folder(self, name: str, data: Any) -> Path:
        folder = self.folder / "clients" / name
        (folder / "data").mkdir(parents=True, exist_ok=True)
        (folder / "data" / "data.json").write_text(json.dumps(data), encoding="utf-8")
        return folder
