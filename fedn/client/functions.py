"""Clients made of plain Python functions: no package, no files, no process.

import fedn

def train(model, task):
    ...                              # model: a dict of arrays by name, or a list of arrays
    return model, len(examples)      # or the model alone, or (model, examples, metrics)

def validate(model, task):
    return {"accuracy": 0.97}        # or (metrics, examples)

fedn.Client(train=train, validate=validate).run("fedn://…")
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fedn.client.app import default_name, run_client, until_signal
from fedn.client.calls import Model, call
from fedn.client.threads import DaemonThreads
from fedn.client.work import Job, Outcome
from fedn.config import Member
from fedn.core.model import TaskKind
from fedn.errors import ConfigError, EntryPointFailed
from fedn.rpc.discovery import find_reducer, reach

TrainResult = Model | tuple[Model, int] | tuple[Model, int, Mapping[str, float]]
ValidateResult = Mapping[str, float] | tuple[Mapping[str, float], int]


_THREADS = DaemonThreads(32)


class Client:
    """A client that answers tasks by calling functions.

    Each function takes the model and, if it has a second parameter, the task (`fedn.client.work.Job`: round, session's
    parameters, seconds left). Functions run in a thread, one at a time for each client. The model's arrays are
    read-only: make new ones. Those of bfloat16, which numpy can't compute with, come as float32. Floats may be returned
    in any precision, and are sent in that of the model.

    Args:
        train: Returns the updated model; with it, if known, the number of examples it saw and metrics of the training.
        validate: Returns metrics; with them, if known, the number of examples.
        predict: Returns anything that JSON can hold, as an object.
        name: In the network; by default this machine's name and some random characters.
    """

    def __init__(
        self,
        *,
        train: Callable[..., TrainResult] | None = None,
        validate: Callable[..., ValidateResult] | None = None,
        predict: Callable[..., Mapping[str, Any]] | None = None,
        name: str = "",
    ) -> None:
        self.name = name or default_name()
        self.work = FunctionWork({TaskKind.TRAIN: train, TaskKind.VALIDATE: validate, TaskKind.PREDICT: predict})

    def run(self, join: str = "", *, data_dir: str | Path = "fedn-data", preferred: str = "") -> None:
        """Join the network and work until SIGTERM or Ctrl-C.

        Args:
            join: Join string; by default that of the reducer of this user on this machine.
            data_dir: Where that reducer keeps its data.
            preferred: Combiner to go to, if it has room.

        Raises:
            FednError: What trying again can't help: a bad token, a name in use.
        """

        async def main() -> None:
            work = asyncio.ensure_future(self.serve(join, data_dir=data_dir, preferred=preferred))
            await until_signal(work)

        asyncio.run(main())

    async def serve(self, join: str = "", *, data_dir: str | Path = "fedn-data", preferred: str = "") -> None:
        """`run` for asyncio: work until cancelled. Many clients can share one loop."""
        http = await reach(find_reducer("client", Member(data_dir=Path(data_dir), join=join)))
        try:
            await run_client(http, work=self.work, name=self.name, preferred=preferred)
        finally:
            http.close()


class FunctionWork:
    """Does jobs by calling functions in threads."""

    needs_package = False

    def __init__(self, functions: Mapping[TaskKind, Callable[..., Any] | None]) -> None:
        self._functions = {kind: _with_task(function) for kind, function in functions.items() if function is not None}
        if not self._functions:
            raise ConfigError("a client needs a function", hint="fedn.Client(train=…, validate=…)")
        self._free = asyncio.Lock()

    async def do(self, job: Job) -> Outcome:
        function = self._functions.get(job.kind)
        if function is None:
            raise EntryPointFailed(f"this client has no function to {job.kind.value}")
        await self._free.acquire()
        running = _THREADS.run(call, function, job)
        running.add_done_callback(self._ended)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            running.add_done_callback(_discard)
            raise

    def _ended(self, running: asyncio.Future[Outcome]) -> None:
        """The function has returned. One whose job was cancelled goes on until then: a thread can't be broken off."""
        self._free.release()
        if not running.cancelled():
            running.exception()  # marks it as seen, as nobody may wait for it any more

    async def close(self) -> None:
        """Functions leave nothing up."""


def _discard(running: asyncio.Future[Outcome]) -> None:
    """Delete the update that a function has made though nobody waits for it any more."""
    content = b"" if running.cancelled() or running.exception() else running.result().content
    if isinstance(content, Path):
        content.unlink(missing_ok=True)


def _with_task(function: Callable[..., Any]) -> Callable[[Any, Job], Any]:
    """`function` as one of (model, task)."""
    parameters = inspect.signature(function).parameters.values()
    taken = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    return function if variadic or len(taken) > 1 else lambda model, _: function(model)
