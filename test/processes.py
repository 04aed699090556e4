"""Roles as processes of their own, for tests that end them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from pathlib import Path

from waiting import DEADLINE, within


class Process:
    """`fedn run ROLE` as a process of its own, and what it says."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._said = ""
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, role: str, *words: str, data_dir: Path) -> Process:
        command = (sys.executable, "-m", "fedn", "run", role, "--data-dir", str(data_dir), *words)
        return cls(
            await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env={**os.environ, "PYTHONFAULTHANDLER": "1"},
            )
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def said(self) -> str:
        """All of its log so far."""
        return self._said

    async def says(self, pattern: str) -> re.Match[str]:
        """Wait until its log has this."""

        async def wait() -> re.Match[str]:
            while not (found := re.search(pattern, self._said)):
                assert not self._reading.done(), self._said
                self._news.clear()
                await self._news.wait()
            return found

        return await within(wait())

    def terminate(self) -> None:
        self._process.terminate()

    async def ended(self) -> int:
        """Wait for its end; its exit status. One that doesn't end says where its threads are."""
        try:
            status = await within(self._process.wait())
        except asyncio.TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGABRT)
            await asyncio.wait([self._reading], timeout=DEADLINE)
            raise AssertionError(f"it hangs, or its output does:\n{self._said}") from None
        await self._reading
        return status

    async def kill(self) -> None:
        """End it as a crash does."""
        self._process.kill()
        await self.ended()

    async def stop(self) -> None:
        if self._process.returncode is None:
            self.terminate()
            await self.ended()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self._said += line.decode()
            self._news.set()
        self._news.set()
