"""Who is connected to a combiner, as a pure register.

A client of ours is here while its task stream is open: the stream is the sign of life. A client of the 2021 kind opens
streams too but proves its life by heartbeats; it is here while it was heard from in the last `LEGACY_SECONDS`.
"""

from __future__ import annotations

from dataclasses import dataclass

from fedn.errors import NameInUse

LEGACY_SECONDS = 10.0


@dataclass(frozen=True)
class Member:
    """A connected client. `instance` tells a reconnecting process from a namesake; empty for 2021 clients."""

    name: str
    instance: str = ""
    version: str = ""
    needs_package: bool = True
    legacy: bool = False
    token_ids: frozenset[str] = frozenset()
    """The token it came with and the one that was derived from."""
    address: str = ""
    """Where it calls from."""


class Membership:
    """The register. Every method is O(1) but for `expire` and the listings."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}
        self._heard: dict[str, float] = {}

    def join(self, member: Member, *, now: float) -> None:
        """Take `member` in; the same instance again replaces its former entry.

        Raises:
            NameInUse: Another instance that is connected holds the name.
        """
        holder = self._members.get(member.name)
        if holder is not None and holder.instance != member.instance:
            raise NameInUse(
                f"a client named {member.name!r} is connected already",
                hint="give this one another name with --name, or stop the other one",
            )
        self._members[member.name] = member
        self._heard[member.name] = now

    def leave(self, name: str, *, instance: str) -> bool:
        """Strike the name out if that instance holds it; whether it did."""
        holder = self._members.get(name)
        if holder is None or holder.instance != instance:
            return False
        del self._members[name], self._heard[name]
        return True

    def hear(self, name: str, *, now: float) -> None:
        """A sign of life; of an unknown name it is ignored."""
        if name in self._members:
            self._heard[name] = now

    def expire(self, *, now: float) -> list[Member]:
        """Strike out the 2021 clients that fell silent, and return them."""
        silent = [
            member
            for name, member in self._members.items()
            if member.legacy and now - self._heard[name] > LEGACY_SECONDS
        ]
        for member in silent:
            self.leave(member.name, instance=member.instance)
        return silent

    def get(self, name: str) -> Member | None:
        return self._members.get(name)

    def members(self) -> list[Member]:
        return list(self._members.values())

    def names(self) -> frozenset[str]:
        return frozenset(self._members)

    def __len__(self) -> int:
        return len(self._members)
