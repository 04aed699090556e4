"""Sessions to read, and the law of those that resume. The other laws stand in test_session_laws.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
FINAL = [state for state in ClientState if state.final]
ADA = {"c1": ("ada",)}
HOMES = {"c1": ("ada", "bob", "cyd"), "c2": ("dan", "eve"), "c3": ("fay",)}


def plan(*, rounds: int = 1, validate: bool = False, attempts: int = 2, required: int = 1) -> SessionPlan:
    return SessionPlan(
        "s1", rounds, "salt", round_seconds=60, clients_required=required, validate=validate, attempts=attempts
    )


plans = st.builds(
    plan, rounds=st.integers(1, 5), validate=st.booleans(), attempts=st.integers(1, 3), required=st.integers(1, 4)
)


def standing(client: str, state: ClientState = ClientState.ANSWERED) -> Progress:
    return Progress(client, state, "" if state is ClientState.ANSWERED else f"it was {state.value}")


Outcome = Callable[[RunRound, str], CombinerDone | CombinerFailed]


def play(session: Session, outcome: Outcome, *, live: Shares = HOMES) -> list[Effect]:
    """What a session does with combiners whose outcome depends on nothing but the round and their name."""
    effects = session.handle(Begin(), now=0)
    for effect in effects:  # grows on the way
        match effect:
            case Survey():
                effects += session.handle(Members(live), now=0)
            case RunRound():
                for combiner in effect.shares:
                    effects += session.handle(outcome(effect, combiner), now=0)
            case Reduce():
                effects += session.handle(Committed(MODEL), now=0)
    return effects


def all_answer(run: RunRound, combiner: str) -> CombinerDone:
    return CombinerDone(combiner, tuple(standing(client) for client in run.shares[combiner]))


@given(plans, st.text(max_size=4))
def test_a_resumed_session_does_what_it_would_have_done(asked: SessionPlan, seed: str) -> None:
    def outcome(run: RunRound, combiner: str) -> CombinerDone | CombinerFailed:
        def draw(what: str, sides: int) -> int:
            text = f"{seed} {what} {run.number} {run.attempt} {run.kind}"
            return sha256(text.encode()).digest()[0] % sides

        if draw(combiner, 5) == 0:
            return CombinerFailed(combiner, "it went away")
        clients = run.shares[combiner]
        return CombinerDone(combiner, tuple(standing(client, FINAL[draw(client, len(FINAL))]) for client in clients))

    whole = play(Session(asked), outcome)
    starts = [index for index, effect in enumerate(whole) if isinstance(effect, Survey)]
    first: dict[int, int] = {}
    for index in starts:
        first.setdefault(sum(isinstance(effect, Reduce) for effect in whole[:index]), index)
    for rounds_done, index in first.items():
        assert play(Session(asked, rounds_done=rounds_done), outcome) == whole[index:]


def test_a_session_as_it_should_be() -> None:
    live = {"c2": ("dan",), "c1": ("bob", "ada")}
    session = Session(plan(rounds=1, validate=True, required=2))
    assert session.handle(Begin(), now=5) == [Survey(), Wake(65)]
    assert session.handle(Members({"c1": ("ada",)}), now=6) == []
    shares = {"c1": ("ada", "bob"), "c2": ("dan",)}
    assert session.handle(Members(live), now=7) == [RunRound(1, 1, TaskKind.TRAIN, shares)]
    assert session.handle(CombinerDone("c2", (standing("dan"),)), now=8) == []
    answers = (standing("bob"), standing("ada"))
    updates = (("c1", standing("ada")), ("c1", standing("bob")), ("c2", standing("dan")))
    assert session.handle(CombinerDone("c1", answers), now=9) == [Reduce(1, ("c1", "c2"), updates)]
    [close, validation] = session.handle(Committed(MODEL), now=10)
    assert close == CloseRound(1, 1, TaskKind.TRAIN)
    assert validation == RunRound(1, 1, TaskKind.VALIDATE, shares)
    session.handle(CombinerDone("c1", answers), now=11)
    assert session.handle(CombinerFailed("c2", "it went away"), now=12) == [
        CloseRound(1, 1, TaskKind.VALIDATE, "combiner c2: it went away"),
        End("finished"),
    ]


def test_clients_that_do_not_come_are_waited_for_and_then_the_session_fails() -> None:
    session = Session(plan(rounds=1, attempts=2, required=2))
    session.handle(Begin(), now=0)
    session.handle(Members({"c1": ("ada",)}), now=1)
    shortage = "1 of the 2 clients required were live within 60 s"
    assert session.handle(Tick(), now=60) == [CloseRound(1, 1, TaskKind.TRAIN, shortage), Survey(), Wake(120)]
    assert session.handle(Tick(), now=119) == [], "a tick of the first attempt is none of the second"
    [close, end] = session.handle(Tick(), now=120)
    assert close == CloseRound(1, 2, TaskKind.TRAIN, "0 of the 2 clients required were live within 60 s")
    assert end == End("failed", f"round 1 failed after 2 attempts: {close.error}")


def test_a_round_that_falls_short_is_tried_again_with_other_clients() -> None:
    def first_fails(run: RunRound, combiner: str) -> CombinerDone | CombinerFailed:
        return CombinerFailed(combiner, "it went away") if run.attempt == 1 else all_answer(run, combiner)

    session = Session(replace(plan(rounds=4), clients_requested=2))
    effects = play(session, first_fails)
    assert effects[-1] == End("finished")
    asked = [frozenset().union(*run.shares.values()) for run in effects if isinstance(run, RunRound)]
    assert len(asked) == 8
    assert len(set(asked)) > 4, "every attempt draws anew"


def test_what_a_failed_session_says() -> None:
    def half(run: RunRound, combiner: str) -> CombinerDone | CombinerFailed:
        if combiner == "c2":
            return CombinerFailed(combiner, "it went away")
        return CombinerDone(combiner, (standing("ada"), Progress("bob", ClientState.BROKEN, "exit status 1")))

    effects = play(Session(plan(attempts=1, required=2)), half, live={"c1": ("ada", "bob"), "c2": ("dan",)})
    error = "1 of 3 clients answered, 2 are required (combiner c2: it went away; client bob: exit status 1)"
    assert effects[-1] == End("failed", f"round 1 failed after 1 attempts: {error}")


def test_silence_without_a_reason_is_a_shortfall_too() -> None:
    effects = play(Session(plan(attempts=1)), lambda _, combiner: CombinerDone(combiner, ()), live={"c1": ("ada",)})
    assert effects[-1] == End("failed", "round 1 failed after 1 attempts: 0 of 1 clients answered, 1 are required")


@pytest.mark.parametrize(("requested", "fraction"), [(1, 1.0), (0, 0.1)])
def test_a_round_asks_as_many_as_it_requires(requested: int, fraction: float) -> None:
    asked = replace(plan(required=4), clients_requested=requested, fraction=fraction)
    effects = play(Session(asked), all_answer)
    assert effects[-1] == End("finished")
    assert [len(effect.updates) for effect in effects if isinstance(effect, Reduce)] == [4]


def test_whoever_was_lost_in_training_is_not_asked_to_validate() -> None:
    def one_lost(run: RunRound, combiner: str) -> CombinerDone:
        states = {"fay": ClientState.LOST, "bob": ClientState.LATE}
        return CombinerDone(
            combiner, tuple(standing(name, states.get(name, ClientState.ANSWERED)) for name in run.shares[combiner])
        )

    effects = play(Session(plan(validate=True)), one_lost)
    [_, validation] = [effect for effect in effects if isinstance(effect, RunRound)]
    assert validation.shares == {"c1": ("ada", "bob", "cyd"), "c2": ("dan", "eve")}


@pytest.mark.parametrize("rounds_done", [2, 3])
def test_a_session_that_has_its_rounds_is_finished(rounds_done: int) -> None:
    assert Session(plan(rounds=2), rounds_done=rounds_done).handle(Begin(), now=0) == [End("finished")]


class TestStop:
    """An operator stops a session in each of its phases."""

    def session(self, *events: Event) -> Session:
        session = Session(plan(rounds=2, validate=True))
        for event in events:
            session.handle(event, now=0)
        return session

    def test_before_it_began(self) -> None:
        assert self.session().handle(StopRequested(), now=1) == [End("stopped")]

    def test_while_it_waits_for_clients(self) -> None:
        session = self.session(Begin())
        assert session.handle(StopRequested(), now=1) == [End("stopped")]
        assert session.handle(Members(ADA), now=2) == []

    def test_while_clients_train(self) -> None:
        session = self.session(Begin(), Members(ADA))
        assert session.handle(StopRequested(), now=1) == [
            CancelRound(),
            CloseRound(1, 1, TaskKind.TRAIN, "stopped by the operator"),
            End("stopped"),
        ]
        assert session.handle(CombinerFailed("c1", "cancelled"), now=2) == []

    @pytest.mark.parametrize(
        ("outcome", "error", "rounds_done"),
        [(Committed(MODEL), "", 1), (ReduceFailed("the disk is full"), "the disk is full", 0)],
    )
    def test_while_the_model_is_committed(self, outcome: Event, error: str, rounds_done: int) -> None:
        session = self.session(Begin(), Members(ADA), CombinerDone("c1", (standing("ada"),)))
        assert session.handle(StopRequested(), now=1) == []
        assert session.handle(outcome, now=2) == [CloseRound(1, 1, TaskKind.TRAIN, error), End("stopped")]
        assert session.rounds_done == rounds_done

    def test_while_clients_validate(self) -> None:
        done = CombinerDone("c1", (standing("ada"),))
        session = self.session(Begin(), Members(ADA), done, Committed(MODEL))
        assert session.handle(StopRequested(), now=1) == [
            CancelRound(),
            CloseRound(1, 1, TaskKind.VALIDATE, "stopped by the operator"),
            End("stopped"),
        ]
        assert session.rounds_done == 1
