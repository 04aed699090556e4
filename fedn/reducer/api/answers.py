"""What the JSON API answers: mostly the stored documents, whose fields are taken over from their dataclasses."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from fedn.reducer import members, presence
from fedn.stores import documents


class Answer(BaseModel):
    """Base of all."""

    model_config = ConfigDict(from_attributes=True, protected_namespaces=(), use_attribute_docstrings=True)


class CertificateAnswer(Answer):
    certificate: str
    """The certificate, the CA's behind it, in PEM."""
    token_key: str
    """Public key (PEM) that the network's tokens are verified with."""
    network_id: str


class AssignedPackage(Answer):
    id: str
    """SHA-256 of the archive."""
    name: str
    size: int
    md5: str


class AssignmentAnswer(Answer):
    combiner: str
    host: str
    port: int
    token: str
    """For this combiner alone."""
    package: AssignedPackage | None
    """The network's compute package, where one is set."""


class Login(Answer):
    role: str
    seconds: float
    """How long it is good for."""


class TokenAnswer(Answer):
    id: str
    role: str
    token: str
    """Shown this once."""
    join: str
    """Join string: all that a newcomer needs."""
    settings: str
    """For a client, the same as a settings file in YAML; for others empty."""
    expires_at: float
    warning: str
    """What is to be known of the join string; empty where nothing is."""


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


class Health(Answer):
    status: str
    version: str


def of(kind: type, *, name: str = "", without: tuple[str, ...] = ()) -> type[BaseModel]:
    """The answer that has the fields of a dataclass."""
    hints = get_type_hints(kind)
    taken: dict[str, Any] = {
        # A field may be named as a method of pydantic's: it goes by another name here and by its own outside.
        f"{field.name}_" if hasattr(BaseModel, field.name) else field.name: (
            _JSON.get(hints[field.name], hints[field.name]),
            Field(alias=field.name),
        )
        for field in fields(kind)
        if field.name not in without
    }
    return create_model(name or kind.__name__, __base__=Answer, __doc__=kind.__doc__, **taken)


def listing(item: type[BaseModel]) -> type[BaseModel]:
    """A page of items."""
    following = Field(description="`before` of the next page; null on the last one")
    taken: dict[str, Any] = {"items": (list[item], ...), "next": (int | None, following)}  # type: ignore[valid-type]
    return create_model(f"{item.__name__}List", __base__=Answer, __doc__="A page of a list.", **taken)


_JSON: dict[Any, Any] = {dict[str, float]: dict[str, float | None]}  # numbers that aren't finite are null

Combiner = of(presence.CombinerView, name="Combiner")
Client = of(presence.ClientView, name="Client", without=("address",))
RemovedClient = of(members.RemovedClient)
Move = of(members.Move)
Token = of(documents.Token)
Package = of(documents.Package)
Model = of(documents.Model)
Session = of(documents.Session)
Round = of(documents.Round)
Validation = of(documents.Validation)
Event = of(documents.Event)
Tag = of(documents.Tag)
Sample = of(documents.Sample)
ModelSummary = of(documents.Model, name="ModelSummary", without=("updates",))

CombinerList = listing(Combiner)
ClientList = listing(Client)
TokenList = listing(Token)
PackageList = listing(Package)
ModelList = listing(ModelSummary)
TagList = listing(Tag)
SessionList = listing(Session)
RoundList = listing(of(documents.Round, name="RoundSummary", without=("clients",)))
ValidationList = listing(Validation)
EventList = listing(Event)


class MetricList(Answer):
    """Names of metrics, sorted."""

    items: list[str]
    next: int | None


class Spread(Answer):
    """Seconds a round, from the wait for clients to the end of its validation."""

    mean: float
    median: float
    p95: float


class ComparedMetric(Answer):
    """The mean over the clients, weighted by examples."""

    final: float
    final_round: int
    best: float
    best_round: int
    better: str
    """lower for losses and errors, as their names tell; else higher"""


class ComparedSession(Answer):
    session_id: str
    state: str
    settings: dict[str, Any]
    """Those that differ between the sessions."""
    rounds_done: int
    seconds: Spread | None
    """None before the first round."""
    metrics: dict[str, ComparedMetric]


class Comparison(Answer):
    """Sessions side by side."""

    items: list[ComparedSession]
    next: int | None


class CombinerProgress(Answer):
    name: str
    clients: dict[str, int]
    """State → how many of its clients are in it."""
    bytes: int
    """Of the updates so far."""


class Unanswered(Answer):
    """A client that a round waits for still."""

    client: str
    state: str


class RoundProgress(Answer):
    """A round as it goes on, or as it ended."""

    round_id: str
    number: int
    attempt: int
    kind: str
    """train · validate"""
    started_at: float | None
    deadline: float | None
    """Instant at which it is broken off."""
    clients: dict[str, int]
    """State → how many clients are in it."""
    bytes: int
    """Of the updates so far."""
    combiners: list[CombinerProgress]
    unanswered: list[Unanswered]
    """Those that are least far; at most 20."""


class Progress(Answer):
    """How far a session is."""

    session_id: str
    state: str
    rounds: int
    rounds_done: int
    phase: str
    """queued · waiting · training · reducing · validating · ended"""
    waits_for: str
    """clients · store; empty while it waits for neither"""
    waits: str
    """The same in words."""
    at: float
    """The reducer's clock now, which the other instants are of."""
    round: RoundProgress | None
    """The running round, else the last one."""


class Network(Answer):
    """The whole network as it is now."""

    reducer: Reducer
    combiners: list[Combiner]  # type: ignore[valid-type]
    clients: list[Client]  # type: ignore[valid-type]
    edges: list[Edge]
    standings: dict[str, str]
    """Client → its state in the round that runs; empty while none does."""


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


class Lineage(Answer):
    """A model and those it came from, newest first."""

    items: list[ModelSummary]  # type: ignore[valid-type]
    next: str | None
    """Id of the model that the line goes on with; null where it ends with a seed."""


class Norms(Answer):
    """Euclidean norms."""

    norm_a: float
    norm_b: float
    difference: float
    """Norm of the difference."""
    relative: float | None
    """The difference by `norm_a`; null where that is 0 and `norm_b` isn't."""


class ArrayNorms(Norms):
    """Of two arrays of one name."""

    name: str
    shape: list[int]
    dtype: str
    """Type of numbers in the first model."""


class ModelDifference(Answer):
    """How far two models lie apart."""

    a: ModelSummary  # type: ignore[valid-type]
    b: ModelSummary  # type: ignore[valid-type]
    arrays: list[ArrayNorms]
    total: Norms
    """Of all arrays together."""


class SampleList(Answer):
    """What the parts of the network took of their machines, oldest first."""

    items: list[Sample]  # type: ignore[valid-type]
    seconds: float
    """How often it is noted; 0 for never."""


class Setting(Answer):
    """A setting of the reducer as it runs."""

    name: str
    key: str
    """Where it stands in a settings file."""
    variable: str
    """Its environment variable."""
    value: str | float | bool | list[str]
    """Of a secret no more than whether there is one."""
    meaning: str


class SettingGroup(Answer):
    """Settings of one matter."""

    name: str
    settings: list[Setting]


class SettingGroups(Answer):
    """All settings of the reducer."""

    groups: list[SettingGroup]


class Library(Answer):
    """A distribution that the reducer runs on."""

    name: str
    version: str
    licence: str
    """As it says of itself."""
    home: str
    """Where it comes from; empty where it doesn't say."""


class About(Answer):
    """What this reducer is."""

    version: str
    python: str
    licence: str
    libraries: list[Library]
