"""What a round has brought so far, over all its combiners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fedn.core.model import ClientState, Progress

Shares = Mapping[str, tuple[str, ...]]
"""Combiner → its clients."""

_NAMED = 3
"""How many different reasons a shortfall is explained with."""


@dataclass
class Tally:
    """Filled by `done` and `failed`, once for each combiner of the round."""

    shares: Shares
    _progress: dict[str, tuple[Progress, ...]] = field(default_factory=dict)
    _faults: dict[str, str] = field(default_factory=dict)

    def waits_for(self, combiner: str) -> bool:
        """Whether the combiner has a share and was not heard of yet."""
        return combiner in self.shares and combiner not in self._progress and combiner not in self._faults

    @property
    def complete(self) -> bool:
        return len(self._progress) + len(self._faults) == len(self.shares)

    def done(self, combiner: str, progress: tuple[Progress, ...]) -> None:
        """A combiner's round is over: the final standing of each of its clients."""
        self._progress[combiner] = progress

    def failed(self, combiner: str, reason: str) -> None:
        """A combiner's round broke off; nothing of it counts."""
        self._faults[combiner] = reason

    def updates(self) -> tuple[tuple[str, Progress], ...]:
        """(combiner, accepted update), in the order of the combiners' names and then the clients'."""
        return tuple(
            (combiner, progress)
            for combiner in sorted(self._progress)
            for progress in sorted(self._progress[combiner], key=lambda progress: progress.client)
            if progress.state is ClientState.ANSWERED
        )

    def still_there(self) -> Shares:
        """The clients that were not lost."""
        there = {
            combiner: tuple(sorted(one.client for one in progress if one.state is not ClientState.LOST))
            for combiner, progress in self._progress.items()
        }
        return {combiner: clients for combiner, clients in there.items() if clients}

    def faults(self) -> str:
        """Why combiners broke off; empty when none did."""
        return "; ".join(f"combiner {combiner}: {reason}" for combiner, reason in self._faults.items())

    def shortfall(self, *, required: int) -> str:
        """How many answered, and what kept the others: clients with the same reason together."""
        by_reason: dict[str, list[str]] = {}
        for progress in self._progress.values():
            for one in progress:
                if one.detail and one.state is not ClientState.ANSWERED:
                    by_reason.setdefault(one.reason, []).append(one.client)
        reasons = [f"{_few(sorted(clients))}: {reason}" for reason, clients in by_reason.items()][:_NAMED]
        why = "; ".join([*([self.faults()] if self._faults else []), *reasons])
        asked = sum(len(clients) for clients in self.shares.values())
        text = f"{len(self.updates())} of {asked} clients answered, {required} are required"
        return f"{text} ({why})" if why else text


def _few(clients: list[str]) -> str:
    return f"client {clients[0]}" if len(clients) == 1 else f"client {clients[0]} and {len(clients) - 1} more"
