"""What the reducer makes of the partial of a round; a strategy is a file in this folder and a line in `_KNOWN`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from fedn.core.layout import Weights
from fedn.core.partial import Partial
from fedn.core.strategies.fedavg import FedAvg
from fedn.errors import InvalidInput


class Strategy(Protocol):
    """Turns the sum of a round's updates into the next global model."""

    def finish(self, partial: Partial, previous: Weights) -> Weights:
        """The next model in the layout of `previous`, the model that the round began with.

        Raises:
            NotReady: nothing was folded into `partial`.
        """


_KNOWN: Mapping[str, type[Strategy]] = {"fedavg": FedAvg}


def names() -> list[str]:
    """Of all strategies, sorted."""
    return sorted(_KNOWN)


def create(name: str) -> Strategy:
    """A new strategy by name.

    Raises:
        InvalidInput: there is none of that name; lists those there are.
    """
    if name not in _KNOWN:
        raise InvalidInput(f"there is no strategy {name!r}", hint=f"known: {', '.join(names())}")
    return _KNOWN[name]()
