"""What the state store holds, as dataclasses.

One class a collection. The names in `KIND` are the collections of the network's database; those under `network.` say
who takes part, those under `control.` what has been done. Instants are seconds since the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from fedn.stores.document import Body, Document


@dataclass(frozen=True, kw_only=True)
class Combiner(Document):
    """A combiner that has announced itself; `id` is its name."""

    KIND = "network.combiners"
    host: str
    port: int
    max_clients: int
    joined_at: float
    token_id: str = ""
    draining: bool = False
    """Whether the operator wants it without clients."""


@dataclass(frozen=True, kw_only=True)
class Client(Document):
    """A client that was assigned to a combiner; `id` is its name."""

    KIND = "network.clients"
    combiner: str
    assigned_at: float
    token_id: str = ""
    legacy: bool = False


@dataclass(frozen=True, kw_only=True)
class Token(Document):
    """A token that was issued; the token itself is not kept. `id` is its token id."""

    KIND = "network.tokens"
    role: str
    subject: str
    created_at: float
    expires_at: float
    created_by: str = ""
    revoked_at: float | None = None


@dataclass(frozen=True, kw_only=True)
class Certificate(Document):
    """What shows that a reducer is of this network: the certificate (PEM) of its CA, and more that is no secret."""

    KIND = "network.certificates"
    KEY: ClassVar[str] = "ca"
    pem: str
    fingerprint: str
    tokens_key: str = ""
    """Public key (PEM) that the network's tokens are checked with."""


@dataclass(frozen=True, kw_only=True)
class Storage(Document):
    """Where the network's models and packages are: a description for people, without secrets."""

    KIND = "network.storage"
    KEY: ClassVar[str] = "storage"
    type: str
    place: str


@dataclass(frozen=True, kw_only=True)
class Package(Document):
    """An uploaded compute package; `id` is its SHA-256."""

    KIND = "control.packages"
    name: str
    size: int
    md5: str
    helper: str
    uploaded_at: float
    entry_points: dict[str, str] = field(default_factory=dict)
    """Name → command of those that something runs; empty for one that was uploaded to an earlier version."""


@dataclass(frozen=True, kw_only=True)
class Model(Document):
    """A link of the model trail. A seed has neither parent nor round."""

    KIND = "control.model"
    size: int
    sha256: str
    committed_at: float
    parent: str = ""
    session_id: str = ""
    round_id: str = ""
    number: int = 0
    """Round within its session, from 1; 0 for a seed."""
    parameters: int = 0
    """Count of numbers in the model."""
    updates: list[Body] = field(default_factory=list)
    """`{client, combiner, examples, metrics, bytes}` of each update folded in."""
    metrics: dict[str, float] = field(default_factory=dict)
    """Means over the clients' validations, weighted by examples; empty until validated."""


@dataclass(frozen=True, kw_only=True)
class Session(Document):
    """A training session as it was asked for and how far it is."""

    KIND = "control.sessions"
    rounds: int
    created_at: float
    state: str = "queued"
    """queued · running · finished · failed · stopped"""
    round_timeout: float = 180.0
    clients_required: int = 1
    clients_requested: int = 0
    """How many clients to ask a round; 0 asks all."""
    fraction: float = 1.0
    """Share of the live clients to ask, when `clients_requested` is 0."""
    seed: int | None = None
    """Makes the choice of clients repeatable; none draws anew each time."""
    validate: bool = True
    reproducible: bool = False
    strategy: str = "fedavg"
    attempts: int = 2
    """How often a round is tried before the session fails."""
    start_model: str = ""
    parameters: Body = field(default_factory=dict)
    """Handed to the entry points with every task."""
    rounds_done: int = 0
    model_id: str = ""
    """Newest model of the session."""
    started_at: float | None = None
    ended_at: float | None = None
    error: str = ""
    stop_requested: bool = False


@dataclass(frozen=True, kw_only=True)
class Round(Document):
    """One attempt at one round."""

    KIND = "control.round"
    session_id: str
    number: int
    attempt: int
    kind: str
    model_id: str
    started_at: float
    ended_at: float
    state: str
    """finished · failed · stopped"""
    error: str = ""
    combiners: list[Body] = field(default_factory=list)
    """`{name, asked, answered, seconds}` of each combiner."""
    clients: list[Body] = field(default_factory=list)
    """`{client, combiner, state, detail, examples, bytes, seconds}` of each client asked."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Where the time went: waiting, combine, reduce, commit, validate, total."""
    result_model: str = ""


@dataclass(frozen=True, kw_only=True)
class Summary(Document):
    """What lists and figures need of one attempt at a round, with however many clients; `id` is the round's."""

    KIND = "control.round_summary"
    session_id: str
    number: int
    attempt: int
    kind: str
    model_id: str
    state: str
    error: str = ""
    result_model: str = ""
    asked: int = 0
    """How many clients."""
    answered: int = 0
    bytes: int = 0
    """Of all updates."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Its time by part, as `reducer.attempts.parts_of` tells them apart."""
    metrics: dict[str, float] = field(default_factory=dict)
    """Of a validation: means over the clients, weighted by examples."""


@dataclass(frozen=True, kw_only=True)
class Readings(Document):
    """What each client measured in one attempt at a round, as columns; `id` is the round's."""

    KIND = "control.round_readings"
    session_id: str
    number: int
    kind: str
    model_id: str
    clients: list[str] = field(default_factory=list)
    """Those that answered."""
    values: dict[str, list[float | None]] = field(default_factory=dict)
    """A value for each of the clients: of a training `seconds`, of a validation each metric. None: not measured."""


@dataclass(frozen=True, kw_only=True)
class Validation(Document):
    """One client's validation of one model."""

    KIND = "control.validations"
    model_id: str
    session_id: str
    round_id: str
    client: str
    combiner: str
    examples: int
    metrics: dict[str, float]
    data: Body
    """The whole JSON object that the client sent."""
    at: float


@dataclass(frozen=True, kw_only=True)
class Event(Document):
    """Something that happened and that people may want to know of."""

    KIND = "control.status"
    at: float
    level: str
    """info · warning · error · audit"""
    kind: str
    """Machine-readable: session_started, round_finished, client_failed, …"""
    message: str
    source: str = "reducer"
    session_id: str = ""
    data: Body = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Control(Document):
    """The one document that says what the reducer does now; its revision guards against two sessions at once."""

    KIND = "control.state"
    KEY: ClassVar[str] = "control"
    state: str = "idle"
    """setup · idle · instructing · monitoring"""
    session_id: str = ""
    package_id: str = ""
    """SHA-256 of the active compute package."""
    helper: str = ""
    latest_model: str = ""


@dataclass(frozen=True, kw_only=True)
class Tag(Document):
    """A name for one model at a time, which may come to point at another; `id` is the name."""

    KIND = "control.tags"
    model_id: str
    at: float
    """When it was set."""
    by: str = ""
    """Id of the token that it was set with."""


@dataclass(frozen=True, kw_only=True)
class Sample(Document):
    """What the reducer or a combiner took of its machine at one moment."""

    KIND = "control.psutil_monitoring"
    at: float
    node: str
    """Name of the combiner; `reducer` for the reducer."""
    role: str
    """reducer · combiner"""
    processor: float
    """Share of one core since the sample before."""
    memory_bytes: int
    clients: int
    """Connected to this combiner; for the reducer, to all of them."""


KINDS: tuple[type[Document], ...] = (
    Combiner, Client, Token, Certificate, Storage,
    Package, Model, Session, Round, Summary, Readings, Validation, Event, Control, Tag, Sample,
)  # fmt: skip
"""Every kind there is."""
