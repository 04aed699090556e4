"""A session at the reducer, as a pure machine: events in, effects out.

A session is `rounds` rounds one after the other. Each waits until enough clients are live, has the combiners train,
reduces their partials to the next model and, if asked, has it validated. The shell (`reducer/session_run.py`) performs
the effects and feeds their outcome back. Laws:

- `End` comes exactly once, whatever happens, and nothing comes after it;
- a round asks at least `clients_required` clients, and a model is only reduced when so many answered;
- a round that falls short is tried `attempts` times in all, each bounded by its time-out: no session hangs;
- every `RunRound` has its one `CloseRound`, and none comes between;
- a commit under way can't be taken back: whoever stops the session then, stops it after the commit;
- a session that resumes after `rounds_done` rounds does the same as one that came there by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from fedn.core.model import File, Progress, TaskKind
from fedn.core.selection import choose
from fedn.core.tally import Shares, Tally


@dataclass(frozen=True)
class SessionPlan:
    """What was asked for. `salt` seeds the choice of clients; seconds are per attempt at a round."""

    id: str
    rounds: int
    salt: str
    round_seconds: float = 180.0
    clients_required: int = 1
    clients_requested: int = 0
    fraction: float = 1.0
    validate: bool = True
    attempts: int = 2


class Phase(str, Enum):
    NEW = "new"
    WAITING = "waiting"
    TRAINING = "training"
    REDUCING = "reducing"
    VALIDATING = "validating"
    ENDED = "ended"


@dataclass(frozen=True)
class Begin:
    """Start, or go on after the rounds already done."""


@dataclass(frozen=True)
class Members:
    """The live clients of each combiner that takes part in rounds."""

    live: Shares


@dataclass(frozen=True)
class CombinerDone:
    """A combiner's round is over: the final standing of each of its clients."""

    combiner: str
    progress: tuple[Progress, ...]


@dataclass(frozen=True)
class CombinerFailed:
    """A combiner's round broke off; nothing of it counts."""

    combiner: str
    reason: str


@dataclass(frozen=True)
class Committed:
    """The outcome of `Reduce`: the new model is in the trail."""

    model: File


@dataclass(frozen=True)
class ReduceFailed:
    reason: str


@dataclass(frozen=True)
class StopRequested:
    """The operator wants the session to end."""


@dataclass(frozen=True)
class Tick:
    """A time that `Wake` asked for has come."""


Event = Begin | Members | CombinerDone | CombinerFailed | Committed | ReduceFailed | StopRequested | Tick


@dataclass(frozen=True)
class Survey:
    """Feed `Members` now, and again at each change until a round starts."""


@dataclass(frozen=True)
class RunRound:
    """Have each combiner run the round with its share of the clients."""

    number: int
    attempt: int
    kind: TaskKind
    shares: Shares


@dataclass(frozen=True)
class CancelRound:
    """Break the running round off at every combiner."""


@dataclass(frozen=True)
class Reduce:
    """Merge the round's partials and commit the mean to the trail; then feed `Committed` or `ReduceFailed`."""

    number: int
    combiners: tuple[str, ...]
    updates: tuple[tuple[str, Progress], ...]
    """(combiner, accepted update), in the order of the combiners' names and then the clients'."""


@dataclass(frozen=True)
class CloseRound:
    """Write this attempt at a round down. `error` is empty when it reached its goal."""

    number: int
    attempt: int
    kind: TaskKind
    error: str = ""


@dataclass(frozen=True)
class Wake:
    """Feed a `Tick` at this time."""

    at: float


@dataclass(frozen=True)
class End:
    """state: finished · failed · stopped"""

    state: str
    error: str = ""


Effect = Survey | RunRound | CancelRound | Reduce | CloseRound | Wake | End


@dataclass
class Session:
    """The machine. `handle` is its only way in; `phase` and `rounds_done` are there to be read."""

    plan: SessionPlan
    rounds_done: int = 0
    phase: Phase = Phase.NEW
    _attempt: int = 1
    _stopping: bool = False
    _wait_until: float = 0.0
    _live: Shares = field(default_factory=dict)
    _tally: Tally = field(default_factory=lambda: Tally({}))

    def handle(self, event: Event, *, now: float) -> list[Effect]:
        """What to do about `event`. `now` is the caller's monotonic clock in seconds and never runs back."""
        return [] if self.phase is Phase.ENDED else list(self._handle(event, now))

    def _handle(self, event: Event, now: float) -> Iterator[Effect]:
        match event:
            case Begin() if self.phase is Phase.NEW:
                yield from self._next_round(now)
            case Members(live) if self.phase is Phase.WAITING:
                self._live = live
                yield from self._start_when_enough()
            case Tick() if self.phase is Phase.WAITING and now >= self._wait_until:
                yield from self._fall_short(f"{self._shortage()} within {self.plan.round_seconds:g} s", now)
            case CombinerDone(combiner, progress) if self._tally.waits_for(combiner):
                self._tally.done(combiner, progress)
                yield from self._when_all_done(now)
            case CombinerFailed(combiner, reason) if self._tally.waits_for(combiner):
                self._tally.failed(combiner, reason)
                yield from self._when_all_done(now)
            case Committed() if self.phase is Phase.REDUCING:
                yield from self._committed(now)
            case ReduceFailed(reason) if self.phase is Phase.REDUCING:
                yield from self._fall_short(reason, now)
            case StopRequested():
                yield from self._stop()

    @property
    def _number(self) -> int:
        return self.rounds_done + 1

    @property
    def _required(self) -> int:
        return max(1, self.plan.clients_required)

    def _next_round(self, now: float) -> Iterator[Effect]:
        if self.rounds_done >= self.plan.rounds:
            yield from self._end("finished")
            return
        self.phase = Phase.WAITING
        self._live, self._tally = {}, Tally({})
        self._wait_until = now + self.plan.round_seconds
        yield Survey()
        yield Wake(self._wait_until)

    def _start_when_enough(self) -> Iterator[Effect]:
        home = {client: combiner for combiner, clients in self._live.items() for client in clients}
        if len(home) < self._required:
            return
        chosen = choose(
            home,
            count=self.plan.clients_requested,
            fraction=self.plan.fraction,
            least=self._required,
            salt=f"{self.plan.salt}/{self._number}/{self._attempt}",
        )
        shares: dict[str, tuple[str, ...]] = {}
        for client in chosen:
            shares[home[client]] = (*shares.get(home[client], ()), client)
        yield from self._run(TaskKind.TRAIN, shares)

    def _run(self, kind: TaskKind, shares: Shares) -> Iterator[Effect]:
        self.phase = Phase.TRAINING if kind is TaskKind.TRAIN else Phase.VALIDATING
        self._tally = Tally(shares)
        yield RunRound(self._number if kind is TaskKind.TRAIN else self.rounds_done, self._attempt, kind, shares)

    def _when_all_done(self, now: float) -> Iterator[Effect]:
        if not self._tally.complete:
            return
        if self.phase is Phase.VALIDATING:
            yield self._close(self._tally.faults())
            yield from self._next_round(now)
            return
        updates = self._tally.updates()
        if len(updates) < self._required:
            yield from self._fall_short(self._tally.shortfall(required=self._required), now)
            return
        self.phase = Phase.REDUCING
        yield Reduce(self._number, tuple(dict.fromkeys(combiner for combiner, _ in updates)), updates)

    def _committed(self, now: float) -> Iterator[Effect]:
        yield self._close()
        self.rounds_done += 1
        self._attempt = 1
        if self._stopping:
            yield from self._end("stopped")
        elif self.plan.validate:
            yield from self._run(TaskKind.VALIDATE, self._tally.still_there())
        else:
            yield from self._next_round(now)

    def _fall_short(self, error: str, now: float) -> Iterator[Effect]:
        yield self._close(error)
        if self._stopping:
            yield from self._end("stopped")
        elif self._attempt >= self.plan.attempts:
            yield from self._end("failed", f"round {self._number} failed after {self._attempt} attempts: {error}")
        else:
            self._attempt += 1
            yield from self._next_round(now)

    def _stop(self) -> Iterator[Effect]:
        if self.phase is Phase.REDUCING:
            self._stopping = True
            return
        if self.phase in (Phase.TRAINING, Phase.VALIDATING):
            yield CancelRound()
            yield self._close("stopped by the operator")
        yield from self._end("stopped")

    def _close(self, error: str = "") -> CloseRound:
        if self.phase is Phase.VALIDATING:
            return CloseRound(self.rounds_done, self._attempt, TaskKind.VALIDATE, error)
        return CloseRound(self._number, self._attempt, TaskKind.TRAIN, error)

    def _end(self, state: str, error: str = "") -> Iterator[Effect]:
        self.phase = Phase.ENDED
        yield End(state, error)

    def _shortage(self) -> str:
        live = sum(len(clients) for clients in self._live.values())
        return f"{live} of the {self._required} clients required were live"
