"""Warm entry points: a process that stays up between tasks, so that its imports are paid for once.

The command is started as it stands, and from then on speaks in lines:

    it says, once         @fedn {"ready": true}
    it is told            {"id": 1, "task": "train", "in": "/…", "out": "/…", "environ": {"FEDN_ROUND": "3"}}
    it answers            @fedn {"id": 1, "ok": true}
    or                    @fedn {"id": 1, "ok": false, "error": "what went wrong"}

Tasks come on standard input, one JSON object a line, one at a time. On standard output a line that starts with `@fedn `
is an answer, and every other line (and standard error) is output. When its input ends, the process exits. One that dies
or exceeds a time limit is replaced at the next task. In Python, `fedn.serve` is all of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fedn.errors import EntryPointFailed
from fedn.package.process import GRACE, TAIL, Output, Process, Tail, failure, over_time

_MARK = b"@fedn "


class WarmProcess:
    """The process behind the warm entry points of one command. Tasks take turns; the first one starts it."""

    def __init__(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> None:
        self._argv = argv
        self._cwd = cwd
        self._env = {**env, "FEDN_WARM": "1"}
        self._turn = asyncio.Lock()
        self._count = 0
        self._lines = _Lines()
        self._process: Process | None = None
        self._input: asyncio.WriteTransport | None = None

    async def run(
        self, task: str, in_path: Path, out_path: Path, *, environ: Mapping[str, str], seconds: float
    ) -> Output:
        """Do one task.

        Raises:
            EntryPointFailed: The task failed, the process died, or waiting for its turn, the start and the task took
                longer than `seconds` together.
        """
        began = time.monotonic()
        message = {"task": task, "in": str(in_path), "out": str(out_path), "environ": dict(environ)}
        try:
            answer, text = await asyncio.wait_for(self._ask(message), seconds)
        except asyncio.TimeoutError:
            raise over_time(task, seconds, self._lines.text) from None
        if answer.get("ok") is not True:
            raise EntryPointFailed(f"{task} failed: {answer.get('error', 'without a word')}", output=text)
        return Output(text, time.monotonic() - began)

    async def close(self) -> None:
        """End the process: at the end of its input, or `GRACE` seconds later."""
        async with self._turn:
            if self._process and self._input:
                self._input.close()
                await asyncio.wait({self._process.exited}, timeout=GRACE)
            await self._stop()

    async def _ask(self, message: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
        """The answer to a message, and what was printed meanwhile. Without an answer the process is of no use."""
        async with self._turn:
            answered = False
            try:
                task_input = await self._ready(str(message["task"]))
                self._count += 1
                task_input.write(json.dumps({"id": self._count, **message}).encode() + b"\n")
                while (answer := await self._answer(str(message["task"]))).get("id") != self._count:
                    continue
                answered = True
                return answer, self._lines.text
            finally:
                if not answered:
                    await self._stop()

    async def _ready(self, task: str) -> asyncio.WriteTransport:
        """The input of a process that waits for a task."""
        if self._process and self._input and not self._process.exited.done():
            self._lines.clear()
            return self._input
        await self._stop()
        self._lines = _Lines()
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb"):
            self._input, _ = await asyncio.get_running_loop().connect_write_pipe(
                asyncio.BaseProtocol, os.fdopen(writing, "wb")
            )
            self._process = await Process.start(
                self._argv, cwd=self._cwd, env=self._env, tail=self._lines, stdin=reading
            )
        self._process.exited.add_done_callback(self._lines.end)
        await self._answer(task, hint="a warm entry point says first that it is ready; in Python, fedn.serve does so")
        return self._input

    async def _answer(self, task: str, *, hint: str = "") -> Mapping[str, Any]:
        answer = await self._lines.answers.get()
        process = self._process
        if answer is None and process:
            self._process = None
            raise failure(f"{task} (`{shlex.join(self._argv)}`)", await process.stop(), self._lines.text, hint=hint)
        return answer or {}

    async def _stop(self) -> None:
        process, self._process = self._process, None
        task_input, self._input = self._input, None
        if task_input:
            task_input.close()
        if process:
            await process.stop()


class _Lines(Tail):
    """Tells answers from output."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue()
        """Answers in their order; None when the process has ended."""
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            answer = _parse(line)
            if answer is None:
                self.keep(line + b"\n")
            else:
                self.answers.put_nowait(answer)
        if len(self._rest) > TAIL:
            self.keep(self._rest)
            self._rest = b""

    def connection_lost(self, exc: Exception | None) -> None:
        self.keep(self._rest)
        super().connection_lost(exc)

    def end(self, exited: asyncio.Future[int]) -> None:
        self.answers.put_nowait(None)


def _parse(line: bytes) -> Mapping[str, Any] | None:
    """The answer in a line, or None when the line is output."""
    if not line.startswith(_MARK):
        return None
    try:
        answer = json.loads(line[len(_MARK) :])
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None
