"""Models as PyTorch has them: parameters by name, as numpy arrays."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

import numpy as np

from fedn.core.layout import Weights
from fedn.core.npy import Array
from fedn.utils.helpers import HelperBase


class PytorchHelper(HelperBase[Mapping[str, Array]]):
    """An ordered mapping from a parameter's name to its array."""

    def increment_average(
        self, model: Mapping[str, Array], model_next: Mapping[str, Array], n: int
    ) -> OrderedDict[str, Array]:
        return OrderedDict((name, np.asarray(mean + (model_next[name] - mean) / n)) for name, mean in model.items())

    def _to_weights(self, model: Mapping[str, Array]) -> Weights:
        return {name: np.asarray(array) for name, array in model.items()}

    def _from_weights(self, arrays: Weights) -> OrderedDict[str, Array]:
        return OrderedDict((name, np.array(array)) for name, array in arrays.items())
