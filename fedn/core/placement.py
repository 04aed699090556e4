"""Which combiner a new client goes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fedn.errors import InvalidInput, Unavailable


@dataclass(frozen=True)
class Load:
    """A combiner as placement sees it: how many clients it has and may have, and whether it takes new ones."""

    name: str
    clients: int
    max_clients: int
    accepting: bool = True

    @property
    def free(self) -> bool:
        return self.accepting and self.clients < self.max_clients


def least_packed(loads: Sequence[Load]) -> Load:
    """The combiner with the smallest share of its places taken; by name among equals."""
    return min(loads, key=lambda load: (load.clients / load.max_clients, load.clients, load.name))


def first_available(loads: Sequence[Load]) -> Load:
    """The first combiner by name, so that one is filled before the next is used."""
    return min(loads, key=lambda load: load.name)


POLICIES: Mapping[str, Callable[[Sequence[Load]], Load]] = {
    "least-packed": least_packed,
    "first-available": first_available,
}


def place(loads: Sequence[Load], *, policy: str = "least-packed", preferred: str = "") -> str:
    """The name of the combiner for a new client: the preferred one if it has room, else the policy's choice.

    Raises:
        InvalidInput: No such policy.
        Unavailable: No combiner has room.
    """
    if policy not in POLICIES:
        raise InvalidInput(f"no placement policy {policy!r}", hint=f"one of {', '.join(POLICIES)}")
    free = [load for load in loads if load.free]
    if not free:
        reason = "every combiner is full or draining" if loads else "no combiner is connected"
        raise Unavailable(f"no place for a client: {reason}", hint="start another with `fedn run combiner`")
    if any(load.name == preferred for load in free):
        return preferred
    return POLICIES[policy](free).name
