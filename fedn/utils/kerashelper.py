"""Models as Keras has them: a list of arrays, as `model.get_weights()` returns it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fedn.core.layout import Weights
from fedn.core.npy import Array
from fedn.utils.helpers import HelperBase


class KerasHelper(HelperBase[Sequence[Array]]):
    """A list of arrays; in the file they are named "0", "1", …"""

    def increment_average(self, model: Sequence[Array], model_next: Sequence[Array], n: int) -> list[Array]:
        return [np.asarray(mean + (last - mean) / n) for mean, last in zip(model, model_next, strict=True)]

    def _to_weights(self, model: Sequence[Array]) -> Weights:
        return {str(index): np.asarray(array) for index, array in enumerate(model)}

    def _from_weights(self, arrays: Weights) -> list[Array]:
        return [np.array(array) for array in arrays.values()]
