"""Of sessions and their rounds: as they are stored, as they go on, side by side."""

from __future__ import annotations

from typing import Any

from fedn.reducer.api.answers.base import Answer, listing, of
from fedn.stores import documents

Session = of(documents.Session)
Round = of(documents.Round)
Validation = of(documents.Validation)
SessionList = listing(Session)
RoundList = listing(of(documents.Round, name="RoundSummary", without=("clients",)))
ValidationList = listing(Validation)


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
