"""The laws of a round, over random histories of clients that come, go, work, answer, fail and repeat themselves."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from fedn.core.model import Answer, ClientState, Fate, File, Progress, RoundPlan, TaskKind
from fedn.core.round import (
    Answered,
    Ask,
    Cancelled,
    ClientBack,
    ClientGone,
    ClientUploading,
    ClientWorking,
    Effect,
    Event,
    Failed,
    Finish,
    Judge,
    Judged,
    Reply,
    Report,
    Round,
    Started,
    Tick,
    Wake,
    Withdraw,
)

FATES = {ClientState.ANSWERED: Fate.ACCEPTED, ClientState.REJECTED: Fate.REFUSED}
"""What a client is told by its final state; in any other, that its answer is discarded."""

SECONDS, REJOIN = 60.0, 10.0
NAMES = ["ada", "bob", "cyd", "dan"]


def plan(*clients: str) -> RoundPlan:
    return RoundPlan("r1", "s1", 1, TaskKind.TRAIN, File("m", 1, "00"), clients, SECONDS)


def answer(client: str, *, examples: int = 1) -> Answer:
    return Answer(client, "r1", examples=examples, update=File("u", 1, "00"))


class RoundHistory(RuleBasedStateMachine):
    """Feeds a round what a combiner may feed it, and holds every effect against the laws as it comes."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.wakes: list[float] = []
        self.gone_at: dict[str, float] = {}
        self.judging: dict[str, Answer] = {}
        self.judged: dict[str, Judged] = {}
        self.final: dict[str, ClientState] = {}
        self.told: dict[str, Fate] = {}
        self.cancelled = False
        self.finishes = 0

    @initialize(clients=st.sets(st.sampled_from(NAMES)), present=st.frozensets(st.sampled_from([*NAMES, "eve"])))
    def start(self, clients: set[str], present: frozenset[str]) -> None:
        self.round = Round(plan(*sorted(clients)), REJOIN)
        self.gone_at = dict.fromkeys(clients - present, 0.0)
        effects = self.feed(Started(present))
        asked = [client for effect in effects if isinstance(effect, Ask) for client in effect.clients]
        assert asked == sorted(clients & present)

    @rule(seconds=st.sampled_from([0.5, 5.0, REJOIN, 30.0]))
    def time_passes(self, seconds: float) -> None:
        """Ticks may be late: they are fed by a rule of their own."""
        self.now += seconds

    @precondition(lambda self: any(at <= self.now for at in self.wakes))
    @rule()
    def tick(self) -> None:
        self.wakes.remove(min(self.wakes))
        self.feed(Tick())
        for client, since in self.gone_at.items():
            waits = self.now - since < REJOIN or client in self.judging or client not in self.round.states
            assert waits or client in self.final, "whoever is gone too long is lost"

    @rule(client=st.sampled_from([*NAMES, "eve"]), examples=st.integers(1, 3))
    def client_answers(self, client: str, examples: int) -> None:
        known = client in self.round.states
        before, judging, over = dict(self.final), client in self.judging, self.now >= SECONDS
        effects = [effect for effect in self.feed(Answered(answer(client, examples=examples))) if about(effect, client)]
        if judging and client not in before:
            assert effects == [], "the reply to the first answer is that to the second"
        elif not known or client in before or over:
            assert [type(effect) for effect in effects if isinstance(effect, Judge | Reply)] == [Reply]
        else:
            assert effects == [Judge(answer(client, examples=examples))]

    @precondition(lambda self: self.judging)
    @rule(data=st.data(), fate=st.sampled_from([Fate.ACCEPTED, Fate.REFUSED]))
    def answer_is_judged(self, data: st.DataObject, fate: Fate) -> None:
        client = data.draw(st.sampled_from(sorted(self.judging)))
        self.judge(client, fate)

    @rule(client=st.sampled_from([*NAMES, "eve"]))
    def client_works(self, client: str) -> None:
        self.feed(ClientWorking(client))

    @rule(client=st.sampled_from([*NAMES, "eve"]))
    def client_uploads(self, client: str) -> None:
        waits, before = self.waits_for(client), self.round.states.get(client)
        reports = [effect for effect in self.feed(ClientUploading(client)) if about(effect, client)]
        if waits:
            assert len(reports) == (before is not ClientState.UPLOADING)
            assert self.round.states[client] is ClientState.UPLOADING

    @rule(client=st.sampled_from([*NAMES, "eve"]))
    def client_fails(self, client: str) -> None:
        waits = self.waits_for(client)
        self.feed(Failed(client, "exit status 1"))
        assert not waits or self.final[client] is ClientState.BROKEN

    @rule(client=st.sampled_from([*NAMES, "eve"]))
    def client_goes(self, client: str) -> None:
        if client not in self.gone_at:
            self.gone_at[client] = self.now
            waits = self.waits_for(client)
            effects = self.feed(ClientGone(client))
            assert any(isinstance(effect, Wake) for effect in effects) == waits

    @rule(client=st.sampled_from([*NAMES, "eve"]))
    def client_comes(self, client: str) -> None:
        """A client may come without having gone: a new stream replaces one that broke unnoticed."""
        self.gone_at.pop(client, None)
        waits = self.waits_for(client)
        effects = self.feed(ClientBack(client))
        assert (Ask((client,)) in effects) == waits

    @precondition(lambda self: not self.cancelled)
    @rule(chance=st.integers(0, 9))
    def cancel(self, chance: int) -> None:
        if chance == 0:
            self.cancelled = True
            self.feed(Cancelled())
            assert self.round.finished

    def waits_for(self, client: str) -> bool:
        known = client in self.round.states
        return known and client not in self.final and client not in self.judging and self.now < SECONDS

    def judge(self, client: str, fate: Fate) -> None:
        outcome = Judged(self.judging.pop(client), fate, "" if fate is Fate.ACCEPTED else "not a number")
        self.judged[client] = outcome
        replies = [effect for effect in self.feed(outcome) if isinstance(effect, Reply)]
        assert replies == [Reply(client, self.told[client], replies[0].detail)]

    def feed(self, event: Event) -> list[Effect]:
        effects = self.round.handle(event, now=self.now)
        for effect in effects:
            self.check(effect)
        states = self.round.states
        assert {name: state for name, state in states.items() if state.final} == self.final
        assert self.round.finished == (len(self.final) == len(states)) == bool(self.finishes)
        if not self.judging:
            over = self.cancelled or (self.now >= SECONDS and bool(effects))
            assert not over or self.round.finished
        return effects

    def check(self, effect: Effect) -> None:
        assert isinstance(effect, Reply) or not self.finishes, "after the end there are only replies"
        match effect:
            case Ask(clients):
                assert self.now < SECONDS
                for client in clients:
                    assert self.waits_for(client)
                    assert client not in self.gone_at
            case Withdraw(clients):
                assert clients
                assert not set(clients) & self.final.keys()
            case Judge(given):
                assert self.waits_for(given.client)
                assert given.client not in self.judged
                assert not self.cancelled
                self.judging[given.client] = given
            case Reply(client, fate):
                state = self.final.get(client)
                assert fate is (FATES.get(state, Fate.DISCARDED) if state else Fate.DISCARDED)
                assert self.told.setdefault(client, fate) is fate, "an answer that comes again gets the same fate"
            case Report(progress):
                self.check_report(progress)
            case Wake(at):
                assert self.now <= at <= SECONDS
                self.wakes.append(at)
            case Finish():
                self.finishes += 1

    def check_report(self, progress: Progress) -> None:
        client, state = progress.client, progress.state
        assert client not in self.final, "a final state is final"
        if not state.final:
            assert state in (ClientState.WORKING, ClientState.UPLOADING)
            return
        self.final[client] = state
        if state in FATES:
            assert FATES[state] is self.judged[client].fate
            assert progress.answer == self.judged[client].answer
            return
        assert progress.answer is None, "an answer that does not count is not passed on"
        assert progress.detail
        if state is ClientState.LOST:
            assert self.now - self.gone_at[client] >= REJOIN
        elif state is ClientState.LATE:
            assert self.cancelled or self.now >= SECONDS
            assert self.cancelled or client not in self.judging

    def teardown(self) -> None:
        """Whatever happened: the wakes that were asked for, and the judgements, end the round by themselves."""
        if not hasattr(self, "round"):
            return
        while self.wakes:
            self.now = max(self.now, min(self.wakes))
            self.tick()
        for client in list(self.judging):
            self.judge(client, Fate.ACCEPTED)
        assert self.round.finished
        assert self.finishes == 1
        assert self.final.keys() == self.round.states.keys()


def about(effect: Effect, client: str) -> bool:
    match effect:
        case Judge(given):
            return given.client == client
        case Reply(name):
            return name == client
        case Report(progress):
            return progress.client == client
    return False


TestRoundHistory = RoundHistory.TestCase
TestRoundHistory.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
