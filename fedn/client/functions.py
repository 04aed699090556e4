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
import json
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fedn.client.app import default_name, run_client, until_signal
from fedn.client.threads import DaemonThreads
from fedn.client.work import Job, Outcome
from fedn.config import Member
from fedn.core import dtypes
from fedn.core import weights as w
from fedn.core.finite import check_values
from fedn.core.model import TaskKind
from fedn.core.numbers import finite_numbers
from fedn.errors import ConfigError, EntryPointFailed
from fedn.rpc.discovery import find_reducer, reach

Array = npt.NDArray[Any]
Model = Mapping[str, Array] | Sequence[Array]
"""A dict of arrays by name; a list of arrays when the seed model's arrays are named "0", "1", …"""

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
        call = _THREADS.run(_call, function, job)
        call.add_done_callback(self._ended)
        try:
            return await asyncio.shield(call)
        except asyncio.CancelledError:
            call.add_done_callback(_discard)
            raise

    def _ended(self, call: asyncio.Future[Outcome]) -> None:
        """The function has returned. One whose job was cancelled goes on until then: a thread can't be broken off."""
        self._free.release()
        if not call.cancelled():
            call.exception()  # marks it as seen, as nobody may wait for it any more

    async def close(self) -> None:
        """Functions leave nothing up."""


def _discard(call: asyncio.Future[Outcome]) -> None:
    """Delete the update that a function has made though nobody waits for it any more."""
    content = b"" if call.cancelled() or call.exception() else call.result().content
    if isinstance(content, Path):
        content.unlink(missing_ok=True)


def _with_task(function: Callable[..., Any]) -> Callable[[Any, Job], Any]:
    """`function` as one of (model, task)."""
    parameters = inspect.signature(function).parameters.values()
    taken = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    return function if variadic or len(taken) > 1 else lambda model, _: function(model)


def _call(function: Callable[[Any, Job], Any], job: Job) -> Outcome:
    """Call the user's function and make its result an outcome.

    Raises:
        EntryPointFailed: It raised, or returned what its task can't use.
    """
    model = w.read(job.content)
    try:
        result = function(_for_user(model), job)
    except (Exception, SystemExit) as error:
        raise EntryPointFailed(
            f"the {job.kind.value} function raised {type(error).__name__}: {error}", output=traceback.format_exc()
        ) from error
    if job.kind is TaskKind.TRAIN:
        updated, examples, metrics = _unpacked(result, 3)
        arrays = _from_user(updated, model)
        return Outcome(examples=_examples(examples), metrics=_metrics(metrics), content=_file_of(arrays, job))
    content, examples, _ = _unpacked(result, 2)
    if not isinstance(content, Mapping):
        raise EntryPointFailed(
            f"the {job.kind.value} function returned a {type(content).__name__}, expected a dict",
            hint='such as {"accuracy": 0.97}',
        )
    plain = {str(key): _plain(value) for key, value in content.items()}
    try:
        return Outcome(examples=_examples(examples), data=json.dumps(plain))
    except (TypeError, ValueError) as error:
        raise EntryPointFailed(f"the {job.kind.value} function returned what JSON can't hold: {error}") from error


def _file_of(arrays: w.Weights, job: Job) -> Path | bytes:
    """The file of an update: in memory if the model was, else beside the model."""
    if not isinstance(job.content, Path):
        return w.to_bytes(arrays)
    target = job.content.with_name(f"{job.content.name}-update")
    try:
        w.write(arrays, target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return target


def _unpacked(result: Any, most: int) -> tuple[Any, Any, Any]:
    """(result, examples, metrics) of a result that may be any beginning of these."""
    parts = result if isinstance(result, tuple) and 1 < len(result) <= most else (result,)
    return (*parts, None, None)[:3]


def _examples(examples: Any) -> int:
    if examples is None:
        return 1
    if not isinstance(examples, int | np.integer) or examples < 1:
        raise EntryPointFailed(f"the function returned {examples!r} as its number of examples, expected 1 or more")
    return int(examples)


def _metrics(metrics: Any) -> dict[str, float]:
    if not isinstance(metrics, Mapping | None):
        raise EntryPointFailed(f"the function returned a {type(metrics).__name__} as metrics, expected a dict")
    return finite_numbers({str(key): _plain(value) for key, value in (metrics or {}).items()})


def _plain(value: Any) -> Any:
    """A number of numpy's as one of Python's."""
    return value.item() if isinstance(value, np.generic) else value


def _for_user(model: w.Weights) -> Model:
    """As a list when the arrays are named by their places; bfloat16 as float32."""
    arrays = {name: dtypes.floats(array) for name, array in model.items()}
    for array in arrays.values():
        array.flags.writeable = False
    return list(arrays.values()) if _is_list(model) else arrays


def _is_list(model: w.Weights) -> bool:
    return list(model) == [str(place) for place in range(len(model))]


def _from_user(result: Any, model: w.Weights) -> dict[str, Array]:
    """What the user returned as arrays by name, floats in the model's own precision: numpy widens them in passing.

    Raises:
        EntryPointFailed: It is no model.
        InvalidUpdate: It holds floats that the model's precision can't.
    """
    if isinstance(result, Sequence) and _is_list(model):
        result = {str(place): array for place, array in enumerate(result)}
    if not isinstance(result, Mapping):
        raise EntryPointFailed(
            f"the train function returned a {type(result).__name__}, expected the model as it was given",
            hint="a dict of arrays, or a list when it was given one",
        )
    return {str(name): _fitted(str(name), array, model.get(name)) for name, array in result.items()}


def _fitted(name: str, array: Any, like: Array | None) -> Array:
    try:
        found: Array = np.asarray(array)
    except (TypeError, ValueError) as error:
        raise EntryPointFailed(f"the train function returned no array as {name!r}: {error}") from error
    if like is None or found.dtype == like.dtype or not (dtypes.is_float(found.dtype) and dtypes.is_float(like.dtype)):
        return found
    check_values(name, np.ravel(found, order="K"), like.dtype)
    return dtypes.cast(found, like.dtype)
