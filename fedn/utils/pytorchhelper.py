"""Models as PyTorch has them: parameters by name, as in `model.state_dict()`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from fedn.core.dtypes import Array
from fedn.utils.arrays import mapping
from fedn.utils.base import ArraysHelper


class PytorchHelper(ArraysHelper[Mapping[str, Any]]):
    """An ordered mapping from a parameter's name to its numpy array. Tensors are saved, too."""

    def to_arrays(self, model: Mapping[str, Any]) -> Mapping[str, Any]:
        return mapping(model, hint="such as model.state_dict()")

    def from_arrays(self, arrays: dict[str, Array]) -> OrderedDict[str, Array]:
        return OrderedDict(arrays)
