"""Models in the format of the safetensors library: arrays by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from fedn.core.dtypes import Array
from fedn.core.weights import Format
from fedn.utils.arrays import mapping
from fedn.utils.base import ArraysHelper


class SafetensorsHelper(ArraysHelper[Mapping[str, Any]]):
    """A dict from a name to its numpy array. Tensors of PyTorch, and arrays of bfloat16, are saved as they are."""

    FORMAT: ClassVar[Format] = Format.SAFETENSORS

    def to_arrays(self, model: Mapping[str, Any]) -> Mapping[str, Any]:
        return mapping(model, hint="make it a dict")

    def from_arrays(self, arrays: dict[str, Array]) -> dict[str, Array]:
        return arrays
