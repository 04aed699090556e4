"""A session as it goes on, folded from the notices that a reducer sends of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fedn.cli import redial, show
from fedn.core.model import ClientState, TaskKind
from fedn.core.progress import RoundProgress
from fedn.log import harmless
from fedn.stores.documents import Session


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


class Progress:
    """How far a session is, once every notice was taken."""

    def __init__(self) -> None:
        self.session: Session | None = None
        self.round: RoundProgress | None = None
        self.rows: dict[int, Row] = {}
        self.troubles: list[str] = []
        self.away = False
        """Whether the reducer is."""

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
                if not self._is_on(data["round_id"]):  # whoever dials anew is told again
                    self.round = RoundProgress.begun(data)
            case "round_progress":
                yield from self._progress(data)
            case "event" if data["kind"] == "session_waits":
                yield self._trouble(data["message"])
            case redial.LOST:
                self.away = True
                yield self._trouble(f"the reducer is away, and dialled anew: {data['error']}")
            case redial.BACK:
                self.away = False
                yield self._trouble(f"the reducer is back after {data['seconds']:.1f} s")
            case "validation":
                self._row(data["number"]).metrics = data["metrics"]
            case "round_finished":
                yield from self._finished(data)

    def _progress(self, data: Mapping[str, Any]) -> Iterator[str]:
        if self.round is None or not self._is_on(data["round_id"]):  # watched from the middle of a round on
            self.round = RoundProgress.begun({**data, "clients": ()})
        for one in data["clients"]:
            state, known = ClientState(one["state"]), self.round.clients.get(one["client"])
            if state.final and state is not ClientState.ANSWERED and not (known and known.state is state):
                yield self._trouble(f"round {self.round.number}: {one['client']} {state.value}: {one['detail']}")
        self.round.take(data)

    def _is_on(self, round_id: str) -> bool:
        return self.round is not None and self.round.round_id == round_id

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
            row.size = self.round.size if self.round and self._is_on(data["id"]) else 0
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
