"""Of the network: its parts, who is there, and where."""

from __future__ import annotations

from fedn.reducer import members, presence
from fedn.reducer.api.answers.base import Answer, listing, of

Combiner = of(presence.CombinerView, name="Combiner")
Client = of(presence.ClientView, name="Client", without=("address",))
RemovedClient = of(members.RemovedClient)
Move = of(members.Move)
CombinerList = listing(Combiner)
ClientList = listing(Client)


class Reducer(Answer):
    """The reducer itself, and what it does."""

    network_id: str
    version: str
    state: str
    session_id: str
    """The session that is running; empty when none is."""
    package_id: str
    latest_model: str
    legacy_clients: bool
    """Whether clients that give no token on gRPC are let in."""


class Edge(Answer):
    """A line between two nodes, by name."""

    source: str
    target: str


class Network(Answer):
    """The whole network as it is now."""

    reducer: Reducer
    combiners: list[Combiner]  # type: ignore[valid-type]
    clients: list[Client]  # type: ignore[valid-type]
    edges: list[Edge]
    standings: dict[str, str]
    """Client → its state in the round that runs; empty while none does."""


class Part(Answer):
    """One part of the network."""

    kind: str
    """reducer · store · certificate · combiner"""
    name: str
    health: str
    """ok · warn · bad"""
    about: str
    """How it is, in words."""
    ends_at: float | None
    """When a certificate ends."""
    processor: float | None
    """Share of one core."""
    memory_bytes: int | None


class Matter(Answer):
    """One thing to look at."""

    level: str
    """warning · error"""
    kind: str
    """Machine-readable, such as `combiner_away`."""
    message: str
    """What is wrong."""
    hint: str
    """What to do about it."""
    page: str
    """Where that is done, or seen."""


class Attention(Answer):
    """The network at one moment."""

    parts: list[Part]
    matters: list[Matter]
    """Errors first."""


class CombinerPlace(Answer):
    """Where a combiner is, in degrees; null where that is not known."""

    name: str
    latitude: float | None
    longitude: float | None
    place: str
    """In words, as far as the database has them."""
    unknown: str
    """Why it is not known where it is; empty when it is."""


class ClientPlaces(Answer):
    """How many clients are within one degree of latitude and longitude."""

    latitude: int
    longitude: int
    clients: int


class Places(Answer):
    """Where combiners and clients are, by their addresses."""

    combiners: list[CombinerPlace]
    clients: list[ClientPlaces]
    unknown: dict[str, int]
    """Why it is not known of so many clients where they are."""
