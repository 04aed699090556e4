"""Which of the live clients a round asks."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256


def choose(
    clients: Collection[str], *, count: int = 0, fraction: float = 1.0, least: int = 1, salt: str
) -> tuple[str, ...]:
    """A random choice that depends on nothing but names and salt.

    Every client draws SHA-256(salt, name) and the smallest draws win. So the choice is the same however the clients
    are spread over combiners and in whatever order they came, and a client that leaves changes no other's draw.

    Args:
        clients: Names of the live clients.
        count: How many to choose; 0 takes the fraction.
        fraction: Share of the clients in (0, 1], rounded. 1 takes all.
        least: How many to choose even where count or fraction say fewer.
        salt: Other for each round; the same salt draws the same clients.

    Returns:
        The chosen names in alphabetical order; all of them where more are wanted than there are.
    """
    wanted = max(least, count or round(fraction * len(clients)))
    if wanted >= len(clients):
        return tuple(sorted(clients))
    by_draw = sorted(clients, key=lambda name: sha256(f"{salt}\0{name}".encode()).digest())
    return tuple(sorted(by_draw[:wanted]))
