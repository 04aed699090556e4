"""Of the documents in a state store, what figures and comparisons need."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fedn.core.model import TaskKind
from fedn.reducer.attempts import SECONDS, readings, summary
from fedn.reducer.monitoring import KEPT
from fedn.reducer.plots.figures import MODELS, ROUNDS
from fedn.reducer.plots.folds import Folds, Read, documents, followed_by
from fedn.stores.documents import Model, Readings, Round, Sample, Summary, Validation
from fedn.stores.protocols import StateStore

_MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class Trained:
    """How long each client trained in one attempt at a round (s)."""

    number: int
    clients: Sequence[str]
    seconds: array[float]

    @classmethod
    def of(cls, one: Readings) -> Trained:
        seconds = array("d", [value or 0.0 for value in one.values.get(SECONDS, [])])
        return cls(number=one.number, clients=_clients(one), seconds=seconds)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What each client measured of one model."""

    number: int
    model_id: str
    clients: Sequence[str]
    values: Mapping[str, Sequence[float | None]]

    @classmethod
    def of(cls, one: Readings) -> Measured:
        return cls(number=one.number, model_id=one.model_id, clients=_clients(one), values=one.values)


@dataclass(frozen=True, kw_only=True)
class Load:
    """What a node took of its machine at one moment."""

    at: float
    node: str
    memory: float
    """MiB."""
    processor: float
    """Percent of one core."""

    @classmethod
    def of(cls, one: Sample) -> Load:
        memory, processor = round(one.memory_bytes / _MIB, 3), round(100 * one.processor, 3)
        return cls(at=one.at, node=sys.intern(one.node), memory=memory, processor=processor)


class Gists:
    """What is needed of each session's documents, newest first; under the empty id, of all. Safe for many threads.

    Rounds that an earlier version wrote have neither summary nor readings: these are made of the rounds themselves,
    which takes long, once.
    """

    def __init__(self, state: StateStore) -> None:
        self.state = state
        self.attempts = followed_by(documents(state, Summary), documents(state, Round), self.summary)
        """Reads the summaries of a session, a page at a time."""
        self.summaries = Folds(
            self.attempts, gist=lambda one: one, size=lambda one: 1, limit=2 * ROUNDS, page=2 * ROUNDS
        )
        """Of each attempt at a round, and of each validation."""
        self.trained = Folds(self._readings(TaskKind.TRAIN), gist=Trained.of, size=_entries, limit=ROUNDS)
        self.measured = Folds(self._readings(TaskKind.VALIDATE), gist=Measured.of, size=_entries, limit=MODELS)
        self.loads = Folds(documents(state, Sample), gist=Load.of, size=lambda one: 1, limit=KEPT, page=KEPT)
        """Of all machines together: under the empty id."""

    def summary(self, one: Round) -> Summary:
        """The summary of a round, made of its record."""
        model = self.state.get(Model, one.model_id) if one.kind == TaskKind.VALIDATE.value else None
        return summary(one, model.metrics if model else {})

    def _readings(self, kind: TaskKind) -> Read[Readings]:
        where = {"kind": kind.value}
        return followed_by(documents(self.state, Readings, where), documents(self.state, Round, where), self._read_of)

    def _read_of(self, one: Round) -> Readings:
        if one.kind == TaskKind.TRAIN.value:
            return readings(one, ())
        found = self.state.find(Validation, where={"model_id": one.model_id}, newest_first=False)
        return readings(one, (each for _, each in found))


def _clients(one: Readings) -> Sequence[str]:
    return tuple(map(sys.intern, one.clients))


def _entries(one: Readings) -> int:
    return len(one.clients) * max(1, len(one.values))
