"""Where a client stands, for who wants to look: its parts tell it what happens, and it tells those who listen.

Nothing here asks or waits. All methods are for the thread of the client's loop; `noting` makes a call from another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from enum import Enum
from itertools import islice
from typing import Any, TypeVar

from fedn.core.model import Fate, TaskKind
from fedn.core.numbers import finite_numbers
from fedn.errors import FednError
from fedn.log import harmless, redact
from fedn.version import __version__

T = TypeVar("T")

MOST_METRICS = 50
"""Of one task; a package may report any number."""
LONGEST = 2000
"""Characters of a text that is shown."""


class State(str, Enum):
    """What a client is at. Where several hold, as tasks overlap, the first one here counts."""

    PREPARING = "preparing"
    TRAINING = "training"
    VALIDATING = "validating"
    PREDICTING = "predicting"
    UPLOADING = "uploading"
    DOWNLOADING = "downloading"
    OUT_OF_REACH = "out_of_reach"
    CONNECTING = "connecting"
    WAITING = "waiting"


_ORDER = list(State)
_WORK = {TaskKind.TRAIN: State.TRAINING, TaskKind.VALIDATE: State.VALIDATING, TaskKind.PREDICT: State.PREDICTING}


@dataclass(frozen=True, kw_only=True)
class Doing:
    """A task in work."""

    id: str
    kind: TaskKind
    session_id: str
    round: int
    stage: State
    since: str


class Standing:
    """What is known of one client at this moment; instants are ISO 8601 in UTC.

    Args:
        name: Of the client.
    """

    def __init__(self, name: str = "") -> None:
        self._listeners: set[asyncio.Event] = set()
        self._tasks: dict[str, Doing] = {}
        self._preparing = False
        self._link = State.CONNECTING
        self._trouble: dict[str, str] | None = None
        self._latest: Doing | None = None
        self._counts = {"done": 0, "rejected": 0, "failed": 0}
        self._failure: dict[str, Any] | None = None
        self._metrics: dict[TaskKind, dict[str, Any]] = {}
        self._load: dict[str, float] | None = None
        self._state, self._since = State.CONNECTING, _now()
        self._facts = {"name": name, "network": "", "reducer": "", "combiner": "", "version": __version__}
        self._facts["started"] = self._since

    @contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """An event that is set whenever something has changed, for as long as the block lasts."""
        news = asyncio.Event()
        self._listeners.add(news)
        try:
            yield news
        finally:
            self._listeners.discard(news)

    def values(self) -> dict[str, Any]:
        """All of it, as JSON has it."""
        current = self._current()
        latest = current or self._latest
        return {
            **self._facts,
            "state": self._state.value,
            "since": self._since,
            "trouble": self._trouble,
            "session_id": latest.session_id if latest else "",
            "round": latest.round if latest else None,
            "task": {"id": current.id, "kind": current.kind.value, "since": current.since} if current else None,
            "tasks": {**self._counts, "last_failure": self._failure},
            "metrics": list(self._metrics.values()),
            "load": self._load,
        }

    def changed(self) -> None:
        """Tell those who listen."""
        current = self._current()
        state = State.PREPARING if self._preparing else current.stage if current else self._link
        if state is not self._state:
            self._state, self._since = state, _now()
        for news in self._listeners:
            news.set()

    def seeks(self, *, network: str, reducer: str) -> None:
        """The client knows where to go."""
        self._facts |= {"network": network, "reducer": reducer}
        self.changed()

    def assigned(self, combiner: str) -> None:
        self._facts["combiner"] = combiner
        self._link, self._trouble = State.CONNECTING, None
        self.changed()

    def connected(self) -> None:
        self._link, self._trouble = State.WAITING, None
        self.changed()

    def lost(self, reason: str) -> None:
        """The reducer or the combiner is out of reach, and is tried again."""
        since = self._trouble["since"] if self._trouble else _now()
        self._link, self._trouble = State.OUT_OF_REACH, {"reason": shown(reason), "since": since}
        self.changed()

    def parted(self) -> None:
        """The combiner is left, and the reducer asked for another."""
        self._facts["combiner"] = ""
        self._link = State.CONNECTING
        self.changed()

    def noting(self, attempt: Callable[[], T]) -> Callable[[], T]:
        """`attempt`, for another thread to call: what it raises is noted as a loss."""
        loop = asyncio.get_running_loop()

        def call() -> T:
            try:
                return attempt()
            except FednError as error:
                loop.call_soon_threadsafe(self.lost, str(error))
                raise

        return call

    def uses(self, *, processor: float, memory_bytes: int) -> None:
        """What this process takes of the machine: share of one core, and resident memory."""
        self._load = {"processor": processor, "memory_bytes": memory_bytes}
        self.changed()

    @contextmanager
    def preparing(self) -> Iterator[None]:
        """The compute package is being made ready."""
        self._preparing = True
        self.changed()
        try:
            yield
        finally:
            self._preparing = False
            self.changed()

    @contextmanager
    def task(self, task_id: str, kind: TaskKind, *, session_id: str, round: int) -> Iterator[None]:  # noqa: A002
        """A task is in work; it begins with its model."""
        doing = Doing(id=task_id, kind=kind, session_id=session_id, round=round, stage=State.DOWNLOADING, since=_now())
        self._tasks[task_id] = self._latest = doing
        self.changed()
        try:
            yield
        finally:
            del self._tasks[task_id]
            self.changed()

    def working(self, task_id: str) -> None:
        """A task has its model and is being done."""
        self._at(task_id, _WORK[self._tasks[task_id].kind])

    def uploading(self, task_id: str) -> None:
        """A task is done and its answer on its way."""
        self._at(task_id, State.UPLOADING)

    def answered(self, task_id: str, fate: Fate, metrics: Mapping[str, Any]) -> None:
        """The combiner has said what became of an answer."""
        self._counts["done" if fate is Fate.ACCEPTED else "rejected"] += 1
        if finite := finite_numbers(metrics):
            few = {shown(name, 200): value for name, value in islice(finite.items(), MOST_METRICS)}
            self._metrics[self._tasks[task_id].kind] = {**self._about(task_id), "values": few, "of": len(finite)}
        self.changed()

    def failed(self, task_id: str, reason: str) -> None:
        self._counts["failed"] += 1
        self._failure = {**self._about(task_id), "reason": shown(reason)}
        self.changed()

    def _about(self, task_id: str) -> dict[str, Any]:
        doing = self._tasks[task_id]
        return {"kind": doing.kind.value, "session_id": doing.session_id, "round": doing.round, "time": _now()}

    def _at(self, task_id: str, stage: State) -> None:
        self._tasks[task_id] = self._latest = replace(self._tasks[task_id], stage=stage)
        self.changed()

    def _current(self) -> Doing | None:
        return min(self._tasks.values(), key=lambda doing: _ORDER.index(doing.stage), default=None)


def shown(text: str, longest: int = LONGEST) -> str:
    """`text` as it may be shown: without secrets and control characters, and not without an end."""
    text = harmless(redact(text))
    return text if len(text) <= longest else f"{text[:longest]}…"


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
