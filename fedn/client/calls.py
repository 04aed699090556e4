"""The call of a user's function: the model as users see it, and what they return as an outcome."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fedn.client.work import Job, Outcome
from fedn.core import dtypes
from fedn.core import weights as w
from fedn.core.finite import check_values
from fedn.core.model import TaskKind
from fedn.core.numbers import finite_numbers
from fedn.errors import EntryPointFailed

Array = npt.NDArray[Any]
Model = Mapping[str, Array] | Sequence[Array]
"""A dict of arrays by name; a list of arrays when the seed model's arrays are named "0", "1", …"""


def call(function: Callable[[Any, Job], Any], job: Job) -> Outcome:
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
