"""A command as a process group of its own: started, listened to, and ended whole.

A process that leaves its group on purpose (`setsid`) is out of reach. All others end with the command, with the task's
time limit, with the cancellation of the caller and, should the caller be killed itself, by the `warden`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fedn.errors import EntryPointFailed
from fedn.package import warden

TAIL = 1 << 16
"""Bytes kept of what a process prints, the last ones."""
GRACE = 2.0
"""Seconds between asking a process group to end and ending it."""


@dataclass(frozen=True)
class Output:
    """A run that ended well."""

    text: str
    """The end of what it printed, standard output and error as they came; `TAIL` bytes at most."""
    seconds: float


class Tail(asyncio.Protocol):
    """Takes what a process prints as it comes, so that the process never waits, and keeps the end of it."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self.closed = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.keep(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()

    def keep(self, data: bytes) -> None:
        self._kept += data
        del self._kept[:-TAIL]

    def clear(self) -> None:
        self._kept.clear()

    @property
    def text(self) -> str:
        return self._kept.decode(errors="replace")


class Process:
    """A running command; the leader of its group and session."""

    def __init__(self, process: asyncio.subprocess.Process, tail: Tail, pipe: asyncio.ReadTransport) -> None:
        self.tail = tail
        self.exited = asyncio.ensure_future(process.wait())
        """Done when the command itself has ended, with its exit status (negative: the signal that ended it)."""
        self._group = process.pid
        self._pipe = pipe

    @classmethod
    async def start(
        cls, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], tail: Tail, stdin: int = subprocess.DEVNULL
    ) -> Process:
        """Start a command in `cwd`, its program looked up in the PATH of `env`.

        Raises:
            EntryPointFailed: There is no such program, or it can't be executed.
        """
        # Pipes of our own: those of asyncio would make wait() wait for grandchildren that hold them.
        reading, writing = os.pipe()
        pipe, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: tail, os.fdopen(reading, "rb"))
        try:
            process = await asyncio.create_subprocess_exec(
                *argv, cwd=cwd, env=env, stdin=stdin, stdout=writing, stderr=writing, start_new_session=True
            )
        except OSError as error:
            pipe.close()
            raise EntryPointFailed(
                f"`{argv[0]}` can't be started: {error.strerror}",
                hint="the command of an entry point starts with a program: `python3 train.py`, `./train.sh`",
            ) from None
        except BaseException:
            pipe.close()
            raise
        finally:
            os.close(writing)
        _tell_warden(f"+{process.pid}")
        return cls(process, tail, pipe)

    async def stop(self) -> int:
        """End the group: SIGTERM, and SIGKILL to what is left when the command ends, after `GRACE` seconds at most.

        Returns:
            The command's exit status.
        """
        try:
            if not self.exited.done():
                self._signal(signal.SIGTERM)
                await asyncio.wait({self.exited}, timeout=GRACE)
        finally:  # a second cancellation has no patience
            self._signal(signal.SIGKILL)
            _tell_warden(f"-{self._group}")
        try:
            await asyncio.wait({self.exited})  # nothing refuses SIGKILL
            with contextlib.suppress(asyncio.TimeoutError):  # who left the group may hold the pipe open
                await asyncio.wait_for(self.tail.closed.wait(), GRACE)
        finally:
            self._pipe.close()
        return self.exited.result()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # none is left; macOS: only zombies are left
            os.killpg(self._group, number)


async def run(argv: Sequence[str], *, name: str, cwd: Path, env: Mapping[str, str], seconds: float) -> Output:
    """Run a command to its end.

    Raises:
        EntryPointFailed: It can't be started, ends with another exit status than 0, or takes longer than `seconds`;
            with the end of its output. `name` is what the message calls it.
    """
    began = time.monotonic()
    process = await Process.start(argv, cwd=cwd, env=env, tail=Tail())
    try:
        done, _ = await asyncio.wait({process.exited}, timeout=seconds)
    finally:
        status = await process.stop()
    if not done:
        raise over_time(name, seconds, process.tail.text)
    if status != 0:
        raise failure(name, status, process.tail.text)
    return Output(process.tail.text, time.monotonic() - began)


def failure(name: str, status: int, output: str, *, hint: str = "") -> EntryPointFailed:
    """The error of a command that ended with that exit status; says the last line that it printed."""
    how = f"ended with exit status {status}" if status >= 0 else f"was ended by {signal.Signals(-status).name}"
    last = output.strip().rpartition("\n")[2].strip()
    if last.startswith("ModuleNotFoundError: "):
        hint = "name the package that brings it under python.requirements in client/fedn.yaml"
    return EntryPointFailed(
        f"{name} {how}" + (f": {last[:500]}" if last else ", without a word"),
        hint="was it out of memory?" if status == -signal.SIGKILL else hint,
        output=output,
    )


def over_time(name: str, seconds: float, output: str) -> EntryPointFailed:
    """The error of a command that was stopped after `seconds`."""
    return EntryPointFailed(
        f"{name} took longer than {seconds:g} s and was stopped",
        hint="raise `seconds` in client/fedn.yaml or the time limit of the round",
        output=output,
    )


@cache
def _warden() -> int:
    """The line to this process's warden, started when first needed and out of reach of a terminal's Ctrl-C."""
    reading, writing = os.pipe()
    os.posix_spawn(
        sys.executable,
        [sys.executable, "-I", "-S", warden.__file__],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, reading, 0)],
        setpgroup=0,
    )
    os.close(reading)
    return writing


def _tell_warden(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):  # without a warden, work goes on
        os.write(_warden(), f"{line}\n".encode())
