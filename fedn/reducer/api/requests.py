"""The bodies and queries that the JSON API takes. The OpenAPI document is derived from them, with limits and texts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from flask import request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

DAY = 86_400

Id = Annotated[str, Field(max_length=200)]

Sessions = Annotated[
    list[Id], BeforeValidator(lambda _: request.args.getlist("session_id")), Field(default_factory=list, max_length=10)
]
"""Ids of sessions, from a query that may name several."""


class Request(BaseModel):
    """Base of all: what isn't known is refused, so that nothing misspelt is silently left out."""

    model_config = ConfigDict(
        extra="forbid",
        protected_namespaces=(),
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )


class Page(Request):
    """Which part of a list to answer with, from the newest to the oldest."""

    limit: int = Field(100, ge=1, le=1000)
    """How many items at most."""
    before: int | None = Field(None, ge=0, lt=2**63)
    """`next` of the page before this one."""


class RoundQuery(Page):
    session_id: Id | None = None
    """Only those of this session."""


class ValidationQuery(RoundQuery):
    model_id: Id | None = None
    """Only those of this model."""


class PlotQuery(Request):
    metric: Id = ""
    """Of `metric` and `convergence`: name of the metric; empty takes the first."""
    session_id: Sessions
    """The session; of `convergence` and `session-times`, one or more. Without, the newest."""
    node: Id = ""
    """Of `machines`: name of a combiner, or `reducer`; empty takes all."""
    format: Literal["json", "csv"] = "json"
    """A Plotly figure, or its points as a table to download."""
    empty: bool = False
    """Whether a figure without traces is wanted rather than an error, where there is nothing to draw yet."""


class CompareQuery(Request):
    session_id: Sessions
    """The sessions, 10 at most."""


Instant = Annotated[float, Field(ge=0, le=1e11)]
"""Seconds since the epoch."""


class EventFilter(Request):
    level: Literal["info", "warning", "error", "audit"] | None = None
    """Only those of this level."""
    kind: Id | None = None
    """Only those of this kind, such as `round_finished`."""
    source: Id | None = None
    """Only those that this part of the network had, such as `reducer`."""
    session_id: Id | None = None
    """Only those of this session."""
    since: Instant | None = None
    """Only those from then on, in seconds since the epoch."""
    until: Instant | None = None
    """Only those before then, in seconds since the epoch."""
    text: str | None = Field(None, max_length=200)
    """Only those with this in their message, in capital letters or not."""


class EventQuery(EventFilter, Page):
    pass


class EventExport(EventFilter):
    format: Literal["csv", "json"] = "csv"
    """A table for spreadsheets, or an array of objects."""


class SampleQuery(Request):
    since: Instant | None = None
    """Only those from then on, in seconds since the epoch."""
    limit: int = Field(1000, ge=1, le=10_000)
    """How many of the newest at most."""


class LineageQuery(Request):
    limit: int = Field(100, ge=1, le=1000)
    """How many models at most."""


class TagRequest(Request):
    model: str = Field(min_length=1, max_length=200)
    """Id of the model to point at, or another tag on it."""


class PackageQuery(Request):
    name: str = Field("", max_length=200)
    """File name of the archive."""
    helper: str = Field("", max_length=100)
    """Helper that reads and writes its models, where its manifest names none."""


class CertificateRequest(Request):
    csr: str = Field(max_length=20_000)
    """Certificate request (PKCS #10) in PEM."""
    host: str = Field(min_length=1, max_length=253)
    """Host name or IP address under which the combiner is dialled."""


class CombinerAddress(Request):
    host: str = Field(min_length=1, max_length=253)
    """Host name or IP address to dial."""
    port: int = Field(ge=1, le=65535)
    max_clients: int = Field(ge=1, le=10**9)
    """How many clients may be assigned there."""


class AssignmentRequest(Request):
    name: str
    """Name of the client."""
    instance: str = Field("", max_length=100)
    """Other for each process that runs as this client."""
    preferred: str = Field("", max_length=100)
    """Combiner to be assigned to, if it has room."""
    needs_package: bool = True
    """Whether the client works with the network's compute package."""


class ClientRemoval(Request):
    revoke: bool = False
    """Whether the token that the client came with is revoked, too. It must be good for the client's name alone."""


class ReassignRequest(Request):
    combiner: str = Field(min_length=1, max_length=100)
    """Name of the combiner to go to."""


class SessionRequest(Request):
    rounds: int = Field(1, ge=1, le=10**6)
    """How many rounds to run."""
    round_timeout: float = Field(180.0, gt=0, le=30 * DAY)
    """Seconds that one attempt at a round may take."""
    clients_required: int = Field(1, ge=1, le=10**6)
    """How many clients must answer for a round to count."""
    clients_requested: int = Field(0, ge=0, le=10**6)
    """How many clients to ask a round; 0 asks all."""
    fraction: float = Field(1.0, gt=0, le=1)
    """Share of the live clients to ask, when `clients_requested` is 0."""
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    """Makes the choice of clients repeatable."""
    validate_: bool = Field(True, alias="validate")
    """Whether the clients validate each new model."""
    reproducible: bool = False
    """Whether the sum of the updates is the same, bit for bit, in whatever order they arrive."""
    strategy: str = Field("fedavg", max_length=100)
    """How updates become the next model."""
    attempts: int = Field(2, ge=1, le=1000)
    """How often a round is tried before the session fails."""
    parameters: dict[str, Any] = {}
    """Handed to the entry points with every task."""
    start_model: str = Field("", max_length=200)
    """Id or tag of the model to start from; empty takes the newest."""


class LoginRequest(Request):
    token: str = Field(min_length=1, max_length=10_000)
    """An operator's or a viewer's token, or a join string that has one."""


class TokenRequest(Request):
    role: Literal["client", "combiner", "operator", "viewer"]
    days: float | None = Field(None, gt=0, le=3650)
    """How long it is good for; by default what the settings say for its role."""
    name: str = Field("", max_length=100)
    """The one name that it is good for; empty leaves the name to the bearer."""
