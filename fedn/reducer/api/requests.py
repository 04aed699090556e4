"""The bodies and queries that the JSON API takes. The OpenAPI document is derived from them, with limits and texts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

DAY = 86_400

Id = Annotated[str, Field(max_length=200)]


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


class EventQuery(Page):
    level: Literal["info", "warning", "error", "audit"] | None = None
    """Only those of this level."""


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
    """Id of the model to start from; empty takes the newest."""


class TokenRequest(Request):
    role: Literal["client", "combiner", "operator", "viewer"]
    days: float | None = Field(None, gt=0, le=3650)
    """How long it is good for; by default what the settings say for its role."""
    name: str = Field("", max_length=100)
    """The one name that it is good for; empty leaves the name to the bearer."""
