"""What the JSON API answers: mostly the stored documents, whose fields are taken over from their dataclasses."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from fedn.reducer import network
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


class TokenAnswer(Answer):
    id: str
    role: str
    token: str
    """Shown this once."""
    join: str
    """Join string: all that a newcomer needs."""
    expires_at: float


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

Combiner = of(network.CombinerView, name="Combiner")
Client = of(network.ClientView, name="Client")
Token = of(documents.Token)
Package = of(documents.Package)
Model = of(documents.Model)
Session = of(documents.Session)
Round = of(documents.Round)
Validation = of(documents.Validation)
Event = of(documents.Event)

CombinerList = listing(Combiner)
ClientList = listing(Client)
TokenList = listing(Token)
PackageList = listing(Package)
ModelList = listing(of(documents.Model, name="ModelSummary", without=("updates",)))
SessionList = listing(Session)
RoundList = listing(of(documents.Round, name="RoundSummary", without=("clients",)))
ValidationList = listing(Validation)
EventList = listing(Event)


class Network(Answer):
    """The whole network as it is now."""

    reducer: Reducer
    combiners: list[Combiner]  # type: ignore[valid-type]
    clients: list[Client]  # type: ignore[valid-type]
    edges: list[Edge]
