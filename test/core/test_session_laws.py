"""The laws of a session, over random histories of combiners that finish, fail, answer nothing or half."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from fedn.core.model import ClientState, File, Progress, TaskKind
from fedn.core.session import (
    Begin,
    CancelRound,
    CloseRound,
    CombinerDone,
    CombinerFailed,
    Committed,
    Effect,
    End,
    Event,
    Members,
    Phase,
    Reduce,
    ReduceFailed,
    RunRound,
    Session,
    SessionPlan,
    Shares,
    StopRequested,
    Survey,
    Tick,
    Wake,
)

MODEL = File("m", 1, "00")
STATES = [ClientState.ANSWERED, *(state for state in ClientState if state.final)]
HOMES = {"c1": ("ada", "bob", "cyd"), "c2": ("dan", "eve"), "c3": ("fay",)}

plans = st.builds(
    SessionPlan,
    id=st.just("s1"),
    rounds=st.integers(0, 3),
    salt=st.just("salt"),
    round_seconds=st.just(60.0),
    clients_required=st.integers(0, 4),
    clients_requested=st.integers(0, 4),
    fraction=st.sampled_from([0.1, 0.5, 1.0]),
    validate=st.booleans(),
    attempts=st.integers(1, 3),
)
memberships = st.fixed_dictionaries({name: st.sets(st.sampled_from(home)) for name, home in HOMES.items()})


class SessionHistory(RuleBasedStateMachine):
    """Feeds a session what a reducer may feed it, and holds every effect against the laws as it comes."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.wakes: list[float] = []
        self.live: Shares = {}
        self.surveying = False
        self.run: RunRound | None = None
        self.pending: dict[str, tuple[str, ...]] = {}
        self.standings: dict[str, tuple[Progress, ...]] = {}
        self.trained: set[str] = set()
        self.reduce: Reduce | None = None
        self.committed = 0
        self.tries: list[tuple[int, int]] = []
        self.validated: list[int] = []
        self.stopped = False
        self.end: End | None = None

    @initialize(plan=plans)
    def begin(self, plan: SessionPlan) -> None:
        self.plan = plan
        self.session = Session(self.plan)
        self.feed(Begin())

    @precondition(lambda self: self.surveying)
    @rule(live=memberships)
    def members_change(self, live: dict[str, set[str]]) -> None:
        self.live = {name: tuple(sorted(clients)) for name, clients in live.items()}
        count = sum(len(clients) for clients in self.live.values())
        self.feed(Members(self.live))
        assert (self.run is not None) == (count >= self.required), "a round begins as soon as enough are live"

    @rule(seconds=st.sampled_from([1.0, 30.0, 60.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: any(at <= self.now for at in self.wakes))
    @rule()
    def tick(self) -> None:
        self.wakes.remove(min(self.wakes))
        self.feed(Tick())

    @precondition(lambda self: self.pending)
    @rule(data=st.data())
    def combiner_is_done(self, data: st.DataObject) -> None:
        combiner = data.draw(st.sampled_from(sorted(self.pending)))
        clients = data.draw(st.permutations(self.pending.pop(combiner)))
        self.standings[combiner] = tuple(Progress(name, data.draw(st.sampled_from(STATES)), "why") for name in clients)
        self.feed(CombinerDone(combiner, self.standings[combiner]))

    @precondition(lambda self: self.pending)
    @rule(data=st.data())
    def combiner_fails(self, data: st.DataObject) -> None:
        combiner = data.draw(st.sampled_from(sorted(self.pending)))
        del self.pending[combiner]
        self.feed(CombinerFailed(combiner, "it can't be reached"))

    @precondition(lambda self: self.reduce)
    @rule(works=st.booleans())
    def reduce_ends(self, works: bool) -> None:
        self.reduce = None
        self.committed += works
        self.feed(Committed(MODEL) if works else ReduceFailed("the disk is full"))

    @rule(chance=st.integers(0, 9))
    def operator_stops(self, chance: int) -> None:
        if chance == 0 and not self.end:
            self.stopped = True
            reducing = self.reduce is not None
            self.feed(StopRequested())
            assert reducing == (self.end is None), "it ends at once, but for a commit under way"

    @rule()
    def stray_events_change_nothing(self) -> None:
        stray: list[Event] = [Begin(), CombinerDone("nobody", ()), CombinerFailed("nobody", "")]
        if not self.surveying:
            stray += [Members(HOMES), Tick()]
        if self.reduce is None:
            stray += [Committed(MODEL), ReduceFailed("")]
        if self.end:
            stray.append(StopRequested())
        for event in stray:
            assert self.feed(event) == []

    @property
    def required(self) -> int:
        return max(1, self.plan.clients_required)

    def feed(self, event: Event) -> list[Effect]:
        effects = self.session.handle(event, now=self.now)
        for effect in effects:
            assert self.end is None, "nothing comes after the end"
            self.check(effect)
        assert self.session.rounds_done == self.committed
        assert (self.session.phase is Phase.ENDED) == (self.end is not None)
        waits = self.surveying or self.pending or self.reduce
        assert bool(waits) != bool(self.end), "until the end it always waits for something"
        return effects

    def check(self, effect: Effect) -> None:
        match effect:
            case Survey():
                assert self.run is None
                self.surveying = True
            case Wake(at):
                assert self.surveying
                assert at == self.now + self.plan.round_seconds
                self.wakes.append(at)
            case RunRound():
                assert self.run is None
                self.check_run(effect)
                self.surveying, self.standings = False, {}
                self.run, self.pending = effect, dict(effect.shares)
            case CancelRound():
                assert self.run
                self.pending = {}
            case Reduce():
                self.check_reduce(effect)
                self.reduce = effect
            case CloseRound():
                assert not self.pending
                self.check_close(effect)
                self.run, self.surveying = None, False
            case End():
                assert self.run is None
                self.surveying = False
                self.end = effect
                self.check_end(effect)

    def check_run(self, run: RunRound) -> None:
        asked = [client for clients in run.shares.values() for client in clients]
        assert asked
        assert all(run.shares.values()), "no combiner is asked for nothing"
        if run.kind is TaskKind.VALIDATE:
            assert self.plan.validate
            assert (run.number, run.attempt) == (self.committed, 1)
            assert set(asked) <= self.trained
            assert run.number not in self.validated
            self.validated.append(run.number)
            return
        assert run.number == self.committed + 1
        assert 1 <= run.attempt <= self.plan.attempts
        assert (run.number, run.attempt) not in self.tries
        assert all(set(clients) <= set(self.live[combiner]) for combiner, clients in run.shares.items())
        assert len(asked) >= self.required, "a round that asks too few can't succeed"
        self.tries.append((run.number, run.attempt))

    def check_reduce(self, reduce: Reduce) -> None:
        accepted = [
            (combiner, progress)
            for combiner, clients in sorted(self.standings.items())
            for progress in sorted(clients, key=lambda progress: progress.client)
            if progress.state is ClientState.ANSWERED
        ]
        assert list(reduce.updates) == accepted
        assert len(accepted) >= self.required
        assert reduce.combiners == tuple(sorted({combiner for combiner, _ in accepted}))
        assert reduce.number == self.committed + 1
        everyone = [progress for clients in self.standings.values() for progress in clients]
        self.trained = {progress.client for progress in everyone if progress.state is not ClientState.LOST}

    def check_close(self, close: CloseRound) -> None:
        if self.run is None:
            assert self.surveying, "an attempt that never ran is closed only when it waited in vain"
            assert close.error
            assert self.now >= min(self.wakes, default=0.0)
        else:
            assert (close.number, close.attempt, close.kind) == (self.run.number, self.run.attempt, self.run.kind)

    def check_end(self, end: End) -> None:
        match end.state:
            case "finished":
                assert self.committed >= self.plan.rounds
                assert self.validated == (list(range(1, self.committed + 1)) if self.plan.validate else [])
            case "failed":
                assert f"round {self.committed + 1} failed after {self.plan.attempts} attempts: " in end.error
            case state:
                assert state == "stopped"
                assert self.stopped

    def teardown(self) -> None:
        """Combiners that all fail, clients that never come: it ends all the same."""
        if not hasattr(self, "session"):
            return
        for _ in range(8 * self.plan.attempts):
            if self.surveying:
                self.now = max([self.now, *self.wakes])
                self.feed(Tick())
            for combiner in list(self.pending):
                del self.pending[combiner]
                self.feed(CombinerFailed(combiner, "it can't be reached"))
            if self.reduce:
                self.reduce_ends(works=False)
        assert self.end is not None


TestSessionHistory = SessionHistory.TestCase
TestSessionHistory.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
