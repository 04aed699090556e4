"""A round as it goes on, folded from what a reducer tells its watchers of it.

The notices that matter are `round_started` and `round_progress`; whoever comes in between takes what is said from then
on. The fold is the same whatever is told twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fedn.core.model import ClientState, TaskKind

NAMED = 20
"""How many of the clients that are waited for are named at most."""


@dataclass(frozen=True)
class Standing:
    """Where one client stands."""

    state: ClientState = ClientState.ASKED
    combiner: str = ""
    """Empty until it was heard of."""
    detail: str = ""
    """Why, for a state that is no success."""
    size: int = 0
    """Bytes of its update."""


@dataclass
class RoundProgress:
    """One attempt at a round, and how far each of its clients is."""

    round_id: str
    number: int
    attempt: int
    kind: TaskKind
    started_at: float | None = None
    seconds: float | None = None
    """How long it may take."""
    asked: Mapping[str, int] = field(default_factory=dict)
    """Combiner → how many of its clients were asked."""
    clients: dict[str, Standing] = field(default_factory=dict)

    @classmethod
    def begun(cls, data: Mapping[str, Any]) -> RoundProgress:
        """The round that a `round_started` is about; what a `round_progress` says of it where that is all there is."""
        told = data.get("clients", ())
        return cls(
            round_id=data.get("round_id", ""),
            number=data["number"],
            attempt=data.get("attempt", 1),
            kind=TaskKind(data["kind"]),
            started_at=data.get("started_at"),
            seconds=data.get("seconds"),
            asked=data.get("combiners", {}),
            clients={name: Standing() for name in told if isinstance(name, str)},
        )

    def take(self, data: Mapping[str, Any]) -> None:
        """Fold in a `round_progress` of this round."""
        for one in data["clients"]:
            state = ClientState(one["state"])
            self.clients[one["client"]] = Standing(state, one.get("combiner", ""), one["detail"], one["bytes"])

    @property
    def deadline(self) -> float | None:
        """Instant at which it is broken off."""
        return None if self.started_at is None or self.seconds is None else self.started_at + self.seconds

    @property
    def size(self) -> int:
        """Bytes of the updates so far."""
        return sum(one.size for one in self.clients.values())

    @property
    def done(self) -> int:
        """How many have their final state."""
        return sum(one.state.final for one in self.clients.values())

    @property
    def states(self) -> Counter[str]:
        """How many clients are in each state that there is one in."""
        return Counter(one.state.value for one in self.clients.values())

    @property
    def unanswered(self) -> list[tuple[str, ClientState]]:
        """Who is waited for still, those first who are least far; at most `NAMED`."""
        order = list(ClientState)
        waited = ((order.index(one.state), name) for name, one in self.clients.items() if not one.state.final)
        return [(name, order[index]) for index, name in sorted(waited)[:NAMED]]

    def by_combiner(self) -> Iterator[tuple[str, Counter[str], int]]:
        """Each combiner with its clients' states, and the bytes of their updates. Who wasn't heard of is asked."""
        states: dict[str, Counter[str]] = {name: Counter() for name in self.asked}
        sizes: Counter[str] = Counter()
        for one in self.clients.values():
            if one.combiner:
                states.setdefault(one.combiner, Counter())[one.state.value] += 1
                sizes[one.combiner] += one.size
        for name in sorted(states):
            silent = self.asked.get(name, 0) - states[name].total()
            if silent > 0:
                states[name][ClientState.ASKED.value] += silent
            yield name, states[name], sizes[name]
