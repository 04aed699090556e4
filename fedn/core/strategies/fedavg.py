"""Federated averaging.

McMahan et al., Communication-Efficient Learning of Deep Networks from Decentralized Data, AISTATS 2017.
"""

from __future__ import annotations

from fedn.core.layout import Weights
from fedn.core.partial import Partial


class FedAvg:
    """The next model is the mean of the updates, weighted by their numbers of examples."""

    def finish(self, partial: Partial, previous: Weights) -> Weights:
        """The weighted mean; what came before doesn't enter."""
        return partial.mean()
