"""The words of the domain: what a round is asked to do, and what comes back.

Frozen dataclasses without behaviour, so that every layer speaks of the same things. Times are seconds; instants are
seconds since the epoch as the caller's clock has them; sizes are bytes; digests are SHA-256 in hex.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

Metrics = Mapping[str, float]
Json = Mapping[str, Any]


class TaskKind(str, Enum):
    """What a client is asked to do with a model."""

    TRAIN = "train"
    VALIDATE = "validate"
    PREDICT = "predict"


class Fate(str, Enum):
    """What became of an answer: folded in, looked at and found wrong, or never looked at."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    DISCARDED = "discarded"


class ClientState(str, Enum):
    """Where a client stands in a round; the last five are final."""

    ASKED = "asked"
    WORKING = "working"
    UPLOADING = "uploading"
    ANSWERED = "answered"
    REJECTED = "rejected"
    BROKEN = "broken"
    LOST = "lost"
    LATE = "late"

    @property
    def final(self) -> bool:
        return self not in (ClientState.ASKED, ClientState.WORKING, ClientState.UPLOADING)


@dataclass(frozen=True)
class File:
    """A stored file by name and content."""

    id: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Presigned:
    """A URL that serves a file to whoever knows it, for a while."""

    url: str = field(repr=False)
    ca_pem: str = ""
    """Certificates of the only CAs to trust there; empty trusts those of the machine."""


@dataclass(frozen=True)
class RoundPlan:
    """One round as one combiner is asked to run it."""

    round_id: str
    session_id: str
    number: int
    kind: TaskKind
    model: File
    clients: tuple[str, ...]
    seconds: float
    reproducible: bool = False
    parameters: Json = field(default_factory=dict)
    package_sha256: str = ""


@dataclass(frozen=True)
class Answer:
    """What a client sends back for a task: an update of the model, a validation or a prediction."""

    client: str
    task_id: str
    examples: int = 1
    """Number of training (or validation) examples, the weight of the update; 1 where the client gives none."""
    metrics: Metrics = field(default_factory=dict)
    update: File | None = None
    """The updated model, for `TaskKind.TRAIN`."""
    data: str = ""
    """JSON of a validation or a prediction."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Where the client's time went: fetch_model, exec_training, upload_model, processing_time."""


@dataclass(frozen=True)
class Progress:
    """A client's standing in a round, as a combiner reports it."""

    client: str
    state: ClientState
    detail: str = ""
    """Why, for a state that is no success; below its first line the end of what an entry point printed."""
    answer: Answer | None = None

    @property
    def reason(self) -> str:
        """The first line of the detail."""
        return self.detail.partition("\n")[0]
