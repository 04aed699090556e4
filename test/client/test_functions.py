"""Clients made of plain functions: what they may return, and what is said of what they may not."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from waiting import DEADLINE

import fedn
from fedn.client.functions import FunctionWork
from fedn.client.work import Job, Outcome
from fedn.core import bfloat16, dtypes
from fedn.core import weights as w
from fedn.core.model import File, TaskKind
from fedn.errors import ConfigError, EntryPointFailed, FednError, InvalidModel, InvalidUpdate

NAMED = {"kernel": np.ones((2, 2), np.float32), "steps": np.array(3)}
LISTED = {"0": np.zeros(2, np.float32), "1": np.ones(3)}


def job_of(content: Path | bytes, *, kind: TaskKind = TaskKind.TRAIN) -> Job:
    return Job(
        id="task",
        kind=kind,
        session_id="session",
        round=4,
        model=File("model", 0, ""),
        content=content,
        seconds=10.0,
        parameters={"rate": 0.5},
    )


async def do(
    function: Callable[..., Any],
    *,
    kind: TaskKind = TaskKind.TRAIN,
    model: dict[str, np.ndarray] = NAMED,
    path: Path | None = None,
) -> Outcome:
    """What comes of a function's work on a model, in a file where there is a path for it."""
    content = path or w.to_bytes(model)
    if path:
        w.write(model, path)
    job = job_of(content, kind=kind)
    work = FunctionWork({kind: function})
    try:
        return await work.do(job)
    finally:
        await work.close()


def arrays(outcome: Outcome) -> dict[str, np.ndarray]:
    return w.read(outcome.content)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_model_comes_as_a_dict_of_arrays_and_goes_as_one() -> None:
    outcome = await do(lambda model: {name: array + 1 for name, array in model.items()})
    found = arrays(outcome)
    assert list(found) == ["kernel", "steps"]
    np.testing.assert_array_equal(found["kernel"], np.full((2, 2), 2, np.float32))
    assert (found["kernel"].dtype, found["steps"].dtype) == (np.float32, np.int64)
    assert (outcome.examples, outcome.metrics) == (1, {})


async def test_a_model_named_by_places_comes_as_a_list() -> None:
    outcome = await do(lambda model: [array * 2 for array in model], model=LISTED)
    found = arrays(outcome)
    assert list(found) == ["0", "1"]
    np.testing.assert_array_equal(found["1"], [2, 2, 2])


async def test_floats_that_numpy_widened_get_their_precision_back() -> None:
    found = arrays(await do(lambda model: {**model, "kernel": model["kernel"].astype(np.float64) / 3}))
    assert found["kernel"].dtype == np.float32


@pytest.mark.parametrize("returned", [np.float32, np.float64, np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("like", ["f2", "f4", "f8", "V2"])
async def test_floats_of_any_precision_get_that_of_the_model(like: str, returned: Any) -> None:
    model = {"w": dtypes.cast(np.array([1.5, -0.25]), np.dtype(like))}
    found = arrays(await do(lambda model: {"w": model["w"].astype(returned) * returned(2)}, model=model))
    assert found["w"].dtype == np.dtype(like)
    np.testing.assert_array_equal(dtypes.floats(found["w"]), [3.0, -0.5])


async def test_bfloat16_comes_as_float32_that_is_nobodys_to_change() -> None:
    seen = []
    model = {"0": bfloat16.narrow(np.array([1.5])), "1": np.ones(1, np.float32)}
    await do(lambda model: seen.extend(model) or model, model=model)
    assert [(array.dtype, array.flags.writeable) for array in seen] == [(np.float32, False)] * 2
    assert [array[0] for array in seen] == [1.5, 1.0]


@pytest.mark.parametrize("like", ["f2", "f4", "V2"])
async def test_floats_that_the_model_cannot_hold_are_refused(like: str) -> None:
    model = {"w": np.zeros(2, like)}
    with pytest.raises(InvalidUpdate, match=r"array 'w' has values up to 1e\+300, the model's"):
        await do(lambda model: {"w": np.array([1.0, 1e300])}, model=model)


async def test_the_update_of_a_model_in_a_file_is_a_file_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "model"
    outcome = await do(lambda model: {name: array + 1 for name, array in model.items()}, path=path)
    assert outcome.content == tmp_path / "model-update"
    np.testing.assert_array_equal(arrays(outcome)["kernel"], np.full((2, 2), 2, np.float32))
    with pytest.raises(InvalidModel, match="array 'kernel' holds values of type <U4"):
        await do(lambda model: {"kernel": np.array("text")}, path=tmp_path / "other")
    assert names(tmp_path) == ["model", "model-update", "other"]


async def test_a_file_that_nobody_waits_for_any_more_is_deleted(tmp_path: Path) -> None:
    path = tmp_path / "model"
    w.write(NAMED, path)
    entered, leave = threading.Event(), threading.Event()

    def train(model: Any) -> Any:
        entered.set()
        leave.wait(DEADLINE)
        return model

    work = FunctionWork({TaskKind.TRAIN: train})
    task = asyncio.create_task(work.do(job_of(path)))
    await asyncio.to_thread(entered.wait, DEADLINE)
    task.cancel()
    await asyncio.wait([task])
    leave.set()
    await work.do(job_of(w.to_bytes(NAMED)))  # which begins when the first has ended
    assert names(tmp_path) == ["model"]


async def test_examples_and_metrics_go_with_the_model() -> None:
    metrics = {"loss": np.float32(0.5), "bad": float("nan"), "words": "x", 3: 1}
    outcome = await do(lambda model: (model, np.int64(70), metrics))
    assert (outcome.examples, outcome.metrics) == (70, {"loss": 0.5, "3": 1.0})
    assert (await do(lambda model: (model, 12))).examples == 12


async def test_the_task_is_there_for_who_asks() -> None:
    seen = []

    def train(model: Any, task: Job) -> Any:
        seen.append((task.round, task.session_id, task.parameters["rate"]))
        return model

    await do(train)
    await do(lambda *arguments: seen.append(len(arguments)) or arguments[0])
    assert seen == [(4, "session", 0.5), 2]


async def test_the_model_given_is_nobodys_to_change() -> None:
    def train(model: Any) -> Any:
        model["kernel"] += 1
        return model

    with pytest.raises(EntryPointFailed, match=r"train function raised ValueError: .*read-only"):
        await do(train)


async def test_what_a_function_raises_is_said_with_its_trace() -> None:
    def train(model: Any) -> Any:
        raise RuntimeError("no data")

    with pytest.raises(EntryPointFailed, match="the train function raised RuntimeError: no data") as caught:
        await do(train)
    assert "in train" in caught.value.output


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (None, "returned a NoneType, expected the model"),
        (3, "returned a int, expected the model"),
        ("model", "returned a str, expected the model"),
        ({"kernel": "text"}, "kernel"),
        ({"kernel": object()}, "kernel"),
        ({"kernel": [[1, 2], [3]]}, "returned no array as 'kernel'"),
        ({"kernel": None}, "kernel"),
        ((NAMED, 0), "returned 0 as its number of examples, expected 1 or more"),
        ((NAMED, -3), "returned -3 as its number of examples"),
        ((NAMED, "ten"), "returned 'ten' as its number of examples"),
        ((NAMED, 2.5), "returned 2.5 as its number of examples"),
        ((NAMED, 1, 0.5), "returned a float as metrics, expected a dict"),
    ],
)
async def test_what_is_no_model_is_said_to_be_none(result: Any, reason: str) -> None:
    with pytest.raises(FednError, match=reason):
        await do(lambda _: result)


async def test_a_validation_is_a_dict_of_metrics() -> None:
    result = {"accuracy": np.float32(0.5), "n": np.int64(3), "note": "fine", "nested": {"a": [1]}}
    outcome = await do(lambda _: (result, 20), kind=TaskKind.VALIDATE)
    assert json.loads(outcome.data) == {"accuracy": 0.5, "n": 3, "note": "fine", "nested": {"a": [1]}}
    assert outcome.examples == 20


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (0.9, "the validate function returned a float, expected a dict"),
        (None, "the validate function returned a NoneType, expected a dict"),
        ([0.9], "the validate function returned a list, expected a dict"),
        ({"accuracy": object()}, "returned what JSON can't hold"),
        (({"accuracy": 1.0}, 0), "as its number of examples"),
    ],
)
async def test_what_is_no_validation_is_said_to_be_none(result: Any, reason: str) -> None:
    with pytest.raises(EntryPointFailed, match=reason):
        await do(lambda _: result, kind=TaskKind.VALIDATE)


async def test_a_function_runs_one_task_at_a_time_even_after_one_was_given_up() -> None:
    entered, leave = threading.Semaphore(0), threading.Event()

    def train(model: Any) -> Any:
        entered.release()
        leave.wait(60)
        return model

    job = job_of(w.to_bytes(NAMED))
    work = FunctionWork({TaskKind.TRAIN: train})
    first = asyncio.create_task(work.do(job))
    assert await asyncio.to_thread(entered.acquire, timeout=60)
    first.cancel()
    await asyncio.wait([first])
    second = asyncio.create_task(work.do(job))
    assert not await asyncio.to_thread(entered.acquire, timeout=0.1)
    leave.set()
    assert (await second).content
    assert first.cancelled()


async def test_a_task_without_a_function_is_refused() -> None:
    work = FunctionWork({TaskKind.TRAIN: lambda model: model, TaskKind.VALIDATE: None})
    job = Job("task", TaskKind.VALIDATE, "session", 1, File("model", 0, ""), b"", 1.0)
    with pytest.raises(EntryPointFailed, match="no function to validate"):
        await work.do(job)


def test_a_client_needs_a_function_and_has_a_name_of_its_own() -> None:
    with pytest.raises(ConfigError, match="a client needs a function"):
        fedn.Client()
    one, other = (fedn.Client(train=lambda model: model) for _ in range(2))
    assert one.name != other.name
    assert fedn.Client(train=lambda model: model, name="ada").name == "ada"


async def test_a_function_that_wants_to_end_the_program_only_fails_its_task() -> None:
    def leave(model: Any) -> None:
        sys.exit("enough")

    with pytest.raises(EntryPointFailed, match="raised SystemExit: enough"):
        await do(leave)
    assert (await do(lambda model: model)).examples == 1


def test_a_process_ends_though_a_function_still_runs() -> None:
    program = """
import asyncio, threading
from fedn.client.threads import DaemonThreads

async def main():
    begun = threading.Event()
    call = DaemonThreads(1).run(lambda: (begun.set(), threading.Event().wait()))
    await asyncio.to_thread(begun.wait)
    assert not call.done()

asyncio.run(main())
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=DEADLINE)
