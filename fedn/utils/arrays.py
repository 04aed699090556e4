"""What helpers do with single arrays: take them from whatever library they come from, and average them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fedn.core import bfloat16, dtypes, npy
from fedn.core.dtypes import Array
from fedn.core.layout import Weights
from fedn.errors import InvalidInput, InvalidModel


def as_array(value: Any, name: str) -> Array:
    """Numbers of any library as an array, without a copy where that can be had.

    Tensors of PyTorch are taken without their gradients and from whatever device they are on. bfloat16, which numpy
    doesn't know, has `bfloat16.DTYPE` or the type of the library that it comes from.

    Args:
        name: What an error calls it.

    Raises:
        InvalidModel: It is no array, or not of real numbers of at most 64 bits.
    """
    try:
        array = _from_tensor(value) if hasattr(value, "detach") else np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InvalidModel(f"array {name!r} can't be taken as one: {error}", hint="make it a numpy array") from None
    with npy.naming(name):
        dtypes.checked(array.dtype)
    return array


def own(array: Array) -> Array:
    """An array of a file as the caller may keep and change it: a copy, and bfloat16 as float32."""
    return bfloat16.widen(array) if dtypes.is_bfloat16(array.dtype) else np.array(array)


def mapping(model: Any, *, hint: str) -> Mapping[str, Any]:
    """A model that has to be a mapping from names to arrays; raises InvalidInput, with the hint, where it is none."""
    if not isinstance(model, Mapping):
        raise InvalidInput(f"arrays by name are expected, and this is a {type(model).__name__}", hint=hint)
    for name in model:
        if not isinstance(name, str):
            raise InvalidInput(f"the name of an array is a string, and this is a {type(name).__name__}: {name!r}")
    return model


def averaged(means: Weights, last: Weights, n: int) -> dict[str, Array]:
    """The means of n models from those of the first n - 1 and the last one, each array in itself.

    Computed in float64. Floats keep their type (the wider one where they differ), bfloat16 becomes float32, and
    integers and truth values become float64.

    Raises:
        InvalidModel: The two differ in the names or the shapes of their arrays.
        InvalidInput: n is less than 1.
    """
    if n < 1:
        raise InvalidInput(f"there is no mean of {n} models", hint="count from 1, the last one included")
    if means.keys() != last.keys():
        name = min(means.keys() ^ last.keys())
        raise InvalidModel(f"array {name!r} is in one of the models only")
    return {name: _averaged(name, mean, last[name], int(n)) for name, mean in means.items()}


def _averaged(name: str, mean: Array, last: Array, n: int) -> Array:
    if mean.shape != last.shape:
        raise InvalidModel(f"array {name!r} has shape {mean.shape} in the mean and {last.shape} in the last model")
    mean, last = dtypes.floats(mean), dtypes.floats(last)
    common = np.result_type(mean, last)
    wide = mean.astype(np.float64)
    wide += (last.astype(np.float64) - wide) / n
    return wide.astype(common if common.kind == "f" else np.float64, copy=False)


def _from_tensor(tensor: Any) -> Array:
    # What is saved has no use for the gradients that PyTorch would refuse to leave behind.
    tensor = tensor.detach().cpu()
    if str(tensor.dtype) == "torch.bfloat16":
        return bfloat16.narrow(tensor.float().numpy())
    return np.asarray(tensor.numpy())
