"""A session as it goes on, folded from the notices that a reducer sends of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fedn.cli import show
from fedn.core.model import ClientState, TaskKind
from fedn.log import harmless
from fedn.stores.documents import Session

_TROUBLE = (ClientState.REJECTED, ClientState.BROKEN, ClientState.LOST, ClientState.LATE)


@dataclass
class Row:
    """What there is to say of one round."""

    number: int
    asked: int = 0
    answered: int = 0
    size: int = 0
    """Bytes of its updates."""
    seconds: float = 0.0
    """Training and validation together."""
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass
class Phase:
    """The training or the validation that is on."""

    number: int
    kind: TaskKind
    clients: dict[str, ClientState]
    size: int = 0

    @property
    def done(self) -> int:
        return sum(state.final for state in self.clients.values())

    @property
    def states(self) -> Counter[str]:
        return Counter(state.value for state in self.clients.values())


class Progress:
    """How far a session is, once every notice was taken."""

    def __init__(self) -> None:
        self.session: Session | None = None
        self.phase: Phase | None = None
        self.rows: dict[int, Row] = {}
        self.troubles: list[str] = []

    @property
    def ended(self) -> bool:
        return self.session is not None and self.session.ended_at is not None

    def take(self, kind: str, data: Mapping[str, Any]) -> list[str]:
        """Fold a notice in. Returns the lines that are worth saying where nothing is drawn."""
        return list(self._fold(kind, data))

    def _fold(self, kind: str, data: Mapping[str, Any]) -> Iterator[str]:
        match kind:
            case "session":
                self.session = Session.from_body(dict(data))
            case "round_started":
                clients = dict.fromkeys(data["clients"], ClientState.ASKED)
                self.phase = _phase(data, clients)
            case "round_progress":
                yield from self._progress(data)
            case "event" if data["kind"] == "session_waits":
                yield self._trouble(data["message"])
            case "validation":
                self._row(data["number"]).metrics = data["metrics"]
            case "round_finished":
                yield from self._finished(data)

    def _progress(self, data: Mapping[str, Any]) -> Iterator[str]:
        phase = self.phase = self.phase or _phase(data, {})  # watched from the middle of a round on
        for one in data["clients"]:
            state = ClientState(one["state"])
            phase.clients[one["client"]] = state
            phase.size += one["bytes"]
            if state in _TROUBLE:
                yield self._trouble(f"round {phase.number}: {one['client']} {state.value}: {one['detail']}")

    def _finished(self, data: Mapping[str, Any]) -> Iterator[str]:
        number = data["number"]
        if data["error"]:
            yield self._trouble(f"round {number}, attempt {data['attempt']}: {data['error']}")
        row = self._row(number)
        row.seconds += data["seconds"].get("total", 0.0)
        is_training = data["kind"] == TaskKind.TRAIN.value
        if is_training:
            row.asked = sum(one["asked"] for one in data["combiners"])
            row.answered = sum(one["answered"] for one in data["combiners"])
            row.size = self.phase.size if self.phase else 0
        if not data["error"] and is_training is not (self.session is not None and self.session.validate):
            yield self._line(row)

    def _trouble(self, text: str) -> str:
        self.troubles.append(harmless(" ".join(text.split())))
        return self.troubles[-1]

    def _row(self, number: int) -> Row:
        return self.rows.setdefault(number, Row(number))

    def _line(self, row: Row) -> str:
        total = f" of {self.session.rounds}" if self.session else ""
        parts = [f"{row.answered} of {row.asked} clients", show.size(row.size), f"{row.seconds:.2f} s"]
        return f"round {row.number}{total}: {', '.join(parts)}  {show.metrics(row.metrics)}".rstrip()


def _phase(data: Mapping[str, Any], clients: dict[str, ClientState]) -> Phase:
    return Phase(data["number"], TaskKind(data["kind"]), clients)
