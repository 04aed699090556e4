"""Models that are one array, in a text file as `numpy.savetxt` writes it."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from fedn.core.layout import Weights
from fedn.core.npy import Array
from fedn.core.weights import TEXT_NAME, Format
from fedn.errors import InvalidModel
from fedn.utils.helpers import HelperBase


class NumpyArrayHelper(HelperBase[Array]):
    """One array of one or two dimensions."""

    FORMAT: ClassVar[Format] = Format.TEXT

    def increment_average(self, model: Array, model_next: Array, n: int) -> Array:
        return np.asarray(model + (model_next - model) / n)

    def _to_weights(self, model: Array) -> Weights:
        return {TEXT_NAME: np.asarray(model)}

    def _from_weights(self, arrays: Weights) -> Array:
        if len(arrays) != 1:
            raise InvalidModel(f"one array is expected, and there are {len(arrays)}")
        return np.array(next(iter(arrays.values())))
