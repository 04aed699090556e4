"""Models that are one array, in a text file as `numpy.savetxt` writes it."""

from __future__ import annotations

from typing import ClassVar

from fedn.core.dtypes import Array
from fedn.core.weights import TEXT_NAME, Format
from fedn.errors import InvalidModel
from fedn.utils.base import ArraysHelper


class NumpyArrayHelper(ArraysHelper[Array]):
    """One array of one or two dimensions. Text has no types: float64 comes back.

    Nor has it shapes beyond rows and columns: an array of one row, one column or one number comes back without the
    dimensions of length 1, as from `numpy.loadtxt`.
    """

    FORMAT: ClassVar[Format] = Format.TEXT

    def to_arrays(self, model: Array) -> dict[str, Array]:
        return {TEXT_NAME: model}

    def from_arrays(self, arrays: dict[str, Array]) -> Array:
        if len(arrays) != 1:
            raise InvalidModel(f"one array is expected, and there are {len(arrays)}")
        return next(iter(arrays.values()))
