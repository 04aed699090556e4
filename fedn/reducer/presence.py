"""A combiner and its clients as they are now: what the reducer keeps of them, and what it shows."""

from __future__ import annotations

from dataclasses import dataclass, field

from fedn.core.placement import Load
from fedn.stores.documents import Combiner

PENDING_SECONDS = 30.0
"""How long a client that was assigned and has not come yet counts as one of its combiner's."""

NOT_DIALLED = "not dialled yet"


@dataclass(frozen=True)
class ClientView:
    """A client that is connected now, as its combiner sees it."""

    name: str
    combiner: str
    instance: str = ""
    version: str = ""
    needs_package: bool = True
    legacy: bool = False
    processor: float = 0.0
    """Share of one core, at its last heartbeat."""
    memory_bytes: int = 0
    since: float = 0.0
    round_trip: float | None = None
    """Seconds that a heartbeat took to be answered, as the client measured it; null until it has."""
    last_seen: float | None = None
    """When its combiner heard from it last, by the clock of the combiner."""
    leaving: bool = False
    """Whether it goes to another combiner once it has delivered what it is at."""
    address: str = field(default="", repr=False)
    """Where it calls from: for its rough place on the map, and shown to nobody."""


@dataclass(frozen=True)
class CombinerView:
    """A combiner that has announced itself."""

    name: str
    host: str
    port: int
    max_clients: int
    connected: bool = False
    draining: bool = False
    """Whether it takes no clients and no rounds: the operator drains it, or it is going down."""
    processor: float = 0.0
    memory_bytes: int = 0
    clients: int = 0
    legacy_clients: bool = False
    """Whether its own settings let in clients that give no token; the reducer's must, too."""
    error: str = ""
    """Why it is not connected."""
    drained: bool = False
    """Whether the operator drains it; that stays so until it is resumed."""
    round_trip: float | None = None
    """Seconds that the reducer's last call took to be answered; null until there was one."""
    last_seen: float | None = None
    """When the reducer heard from it last; null while it has not since the reducer's start."""


@dataclass
class Live:
    """What the reducer knows of a combiner now; whoever changes it holds the lock of the network."""

    document: Combiner
    connected: bool = False
    draining: bool = False
    processor: float = 0.0
    memory_bytes: int = 0
    legacy_clients: bool = False
    error: str = NOT_DIALLED
    round_trip: float | None = None
    last_seen: float | None = None
    clients: dict[str, ClientView] = field(default_factory=dict)
    pending: dict[str, float] = field(default_factory=dict)

    @property
    def takes_part(self) -> bool:
        """Whether it may have clients and rounds."""
        return self.connected and not self.draining and not self.document.draining

    def load(self, now: float, *, without: str) -> Load:
        """How full it is for the client `without`, whose own place is no other's."""
        self.pending = {name: at for name, at in self.pending.items() if now - at < PENDING_SECONDS}
        return Load(
            name=self.document.id,
            clients=len((self.clients.keys() | self.pending.keys()) - {without}),
            max_clients=self.document.max_clients,
            accepting=self.takes_part,
        )

    def view(self) -> CombinerView:
        document = self.document
        return CombinerView(
            name=document.id,
            host=document.host,
            port=document.port,
            max_clients=document.max_clients,
            connected=self.connected,
            draining=self.draining or document.draining,
            processor=self.processor,
            memory_bytes=self.memory_bytes,
            clients=len(self.clients),
            legacy_clients=self.legacy_clients,
            error=self.error,
            drained=document.draining,
            round_trip=self.round_trip,
            last_seen=self.last_seen,
        )
