"""A round at one combiner, as a pure machine: events in, effects out.

The machine decides who is asked, whose answer is judged, who has left for good and when the round is over. The shell
(`combiner/running.py`) performs the effects and feeds their outcome back as events. Laws:

- every client of the plan ends in exactly one final state, and `Finish` comes exactly once, after the last of them;
- an answer is judged at most once for each client: one that comes again gets the same fate, unjudged;
- the fate a client is told and its final state agree: ACCEPTED with ANSWERED, REFUSED with REJECTED, else DISCARDED;
- nothing is judged from the deadline on, however late its `Tick`, but what is being judged then still counts;
- a cancelled round ends at once: what is being judged is discarded;
- a client that leaves has `rejoin_seconds` to come back, and is asked again when it does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from fedn.core.model import Answer, ClientState, Fate, Progress, RoundPlan


@dataclass(frozen=True)
class Started:
    """The model is staged; `present` are the clients connected now."""

    present: frozenset[str]


@dataclass(frozen=True)
class ClientBack:
    client: str


@dataclass(frozen=True)
class ClientGone:
    client: str


@dataclass(frozen=True)
class ClientWorking:
    client: str


@dataclass(frozen=True)
class ClientUploading:
    """The client's update has begun to arrive."""

    client: str


@dataclass(frozen=True)
class Answered:
    """A whole answer has arrived."""

    answer: Answer


@dataclass(frozen=True)
class Judged:
    """The outcome of `Judge`: ACCEPTED or REFUSED, with the reason for the latter."""

    answer: Answer
    fate: Fate
    detail: str = ""


@dataclass(frozen=True)
class Failed:
    """A client reports that it could not do its task."""

    client: str
    detail: str


@dataclass(frozen=True)
class Tick:
    """A time that `Wake` asked for has come."""


@dataclass(frozen=True)
class Cancelled:
    """Nobody waits for the round any more."""


Event = (
    Started | ClientBack | ClientGone | ClientWorking | ClientUploading | Answered | Judged | Failed | Tick | Cancelled
)


@dataclass(frozen=True)
class Ask:
    """Give the task to these clients."""

    clients: tuple[str, ...]


@dataclass(frozen=True)
class Withdraw:
    """Tell these clients that their answer is no longer wanted."""

    clients: tuple[str, ...]


@dataclass(frozen=True)
class Judge:
    """Fold the update in, or read the validation; then feed `Judged`."""

    answer: Answer


@dataclass(frozen=True)
class Reply:
    """Tell the client what became of its answer."""

    client: str
    fate: Fate
    detail: str = ""


@dataclass(frozen=True)
class Report:
    """Pass this on to the reducer."""

    progress: Progress


@dataclass(frozen=True)
class Wake:
    """Feed a `Tick` at this time."""

    at: float


@dataclass(frozen=True)
class Finish:
    """Every client has its final state."""


Effect = Ask | Withdraw | Judge | Reply | Report | Wake | Finish


@dataclass
class _Standing:
    state: ClientState = ClientState.ASKED
    detail: str = ""
    gone_at: float | None = None
    judging: bool = False


@dataclass
class Round:
    """The machine. `handle` is its only way in; `finished` and `states` are there to be read."""

    plan: RoundPlan
    rejoin_seconds: float
    finished: bool = False
    _deadline: float = float("inf")
    _clients: dict[str, _Standing] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._clients = {name: _Standing() for name in self.plan.clients}
        self._open = len(self._clients)

    @property
    def states(self) -> dict[str, ClientState]:
        return {name: standing.state for name, standing in self._clients.items()}

    def awaits(self, client: str) -> bool:
        """Whether the client was asked and has no final state yet."""
        standing = self._clients.get(client)
        return standing is not None and not standing.state.final

    def handle(self, event: Event, *, now: float) -> list[Effect]:
        """What to do about `event`. `now` is the caller's monotonic clock in seconds and never runs back."""
        return list(self._handle(event, now))

    def _handle(self, event: Event, now: float) -> Iterator[Effect]:
        if now >= self._deadline:
            yield from self._close("the round's time was over", also_judging=False)
        match event:
            case Started(present):
                yield from self._start(present, now)
            case Answered(answer):
                yield from self._answered(answer)
            case Judged(answer, fate, detail):
                yield from self._judged(answer, fate, detail)
            case Failed(client, detail):
                if self._waits_for(client):
                    yield from self._settle(client, ClientState.BROKEN, detail)
            case ClientWorking(client):
                yield from self._advance(client, ClientState.WORKING, after=(ClientState.ASKED,))
            case ClientUploading(client):
                yield from self._advance(client, ClientState.UPLOADING, after=(ClientState.ASKED, ClientState.WORKING))
            case ClientGone(client):
                if self._waits_for(client):
                    self._clients[client].gone_at = now
                    yield Wake(min(now + self.rejoin_seconds, self._deadline))
            case ClientBack(client):
                if self._waits_for(client):
                    self._clients[client].gone_at = None
                    yield Ask((client,))
            case Tick():
                yield from self._tick(now)
            case Cancelled():  # pragma: no branch - there is no other event
                yield from self._close("the round was cancelled", also_judging=True)

    def _start(self, present: frozenset[str], now: float) -> Iterator[Effect]:
        self._deadline = now + self.plan.seconds
        here = tuple(name for name in self._clients if name in present)
        for name in self._clients.keys() - present:
            self._clients[name].gone_at = now
        if here:
            yield Ask(here)
        yield Wake(self._deadline)
        if len(here) < len(self._clients):
            yield Wake(min(now + self.rejoin_seconds, self._deadline))
        if not self._clients:
            yield from self._finish_when_done()

    def _advance(self, client: str, state: ClientState, *, after: tuple[ClientState, ...]) -> Iterator[Effect]:
        if self._waits_for(client) and self._clients[client].state in after:
            self._clients[client].state = state
            yield Report(Progress(client, state))

    def _answered(self, answer: Answer) -> Iterator[Effect]:
        standing = self._clients.get(answer.client)
        if standing is None:
            yield Reply(answer.client, Fate.DISCARDED, "this client was not asked in this round")
        elif standing.state is ClientState.ANSWERED:
            yield Reply(answer.client, Fate.ACCEPTED)
        elif standing.state is ClientState.REJECTED:
            yield Reply(answer.client, Fate.REFUSED, standing.detail)
        elif standing.state.final:
            yield Reply(answer.client, Fate.DISCARDED, standing.detail)
        elif not standing.judging:
            standing.judging = True
            yield Judge(answer)

    def _judged(self, answer: Answer, fate: Fate, detail: str) -> Iterator[Effect]:
        standing = self._clients[answer.client]
        if standing.judging:
            state = ClientState.ANSWERED if fate is Fate.ACCEPTED else ClientState.REJECTED
            yield from self._settle(answer.client, state, detail, answer)
            yield Reply(answer.client, fate, detail)
        else:
            yield Reply(answer.client, Fate.DISCARDED, standing.detail)

    def _tick(self, now: float) -> Iterator[Effect]:
        for name, standing in list(self._clients.items()):
            left = standing.gone_at is not None and now >= standing.gone_at + self.rejoin_seconds
            if left and self._waits_for(name):
                yield from self._settle(name, ClientState.LOST, "it left and did not come back")

    def _close(self, detail: str, *, also_judging: bool) -> Iterator[Effect]:
        late = tuple(
            name
            for name, standing in self._clients.items()
            if not standing.state.final and (also_judging or not standing.judging)
        )
        if late:
            yield Withdraw(late)
        for name in late:
            yield from self._settle(name, ClientState.LATE, detail)

    def _settle(self, client: str, state: ClientState, detail: str, answer: Answer | None = None) -> Iterator[Effect]:
        standing = self._clients[client]
        standing.state, standing.detail, standing.judging = state, detail, False
        self._open -= 1
        yield Report(Progress(client, state, detail, answer))
        yield from self._finish_when_done()

    def _finish_when_done(self) -> Iterator[Effect]:
        if not self._open:
            self.finished = True
            yield Finish()

    def _waits_for(self, client: str) -> bool:
        standing = self._clients.get(client)
        return standing is not None and not standing.state.final and not standing.judging
