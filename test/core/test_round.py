"""Rounds to read. The laws stand in test_round_laws.py."""

from __future__ import annotations

from fedn.core.model import Answer, ClientState, Fate, File, Progress, RoundPlan, TaskKind
from fedn.core.round import (
    Answered,
    Ask,
    Cancelled,
    ClientBack,
    ClientGone,
    ClientUploading,
    ClientWorking,
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

SECONDS, REJOIN = 60.0, 10.0


def plan(*clients: str) -> RoundPlan:
    return RoundPlan("r1", "s1", 1, TaskKind.TRAIN, File("m", 1, "00"), clients, SECONDS)


def answer(client: str, *, examples: int = 1) -> Answer:
    return Answer(client, "r1", examples=examples, update=File("u", 1, "00"))


def begun(*clients: str) -> Round:
    """A round that began at 0 with all of its clients there."""
    machine = Round(plan(*clients), REJOIN)
    machine.handle(Started(frozenset(clients)), now=0)
    return machine


def judged(client: str, fate: Fate = Fate.ACCEPTED, detail: str = "") -> Judged:
    return Judged(answer(client), fate, detail)


def test_a_round_as_it_should_be() -> None:
    machine = Round(plan("ada", "bob"), REJOIN)
    assert machine.handle(Started(frozenset({"bob", "ada", "eve"})), now=0) == [Ask(("ada", "bob")), Wake(SECONDS)]
    assert machine.handle(ClientWorking("ada"), now=1) == [Report(Progress("ada", ClientState.WORKING))]
    assert machine.handle(ClientWorking("ada"), now=1) == []
    assert machine.handle(Answered(answer("ada", examples=7)), now=2) == [Judge(answer("ada", examples=7))]
    accepted = Judged(answer("ada", examples=7), Fate.ACCEPTED)
    assert machine.handle(accepted, now=3) == [
        Report(Progress("ada", ClientState.ANSWERED, answer=answer("ada", examples=7))),
        Reply("ada", Fate.ACCEPTED),
    ]
    assert machine.handle(Answered(answer("bob")), now=4) == [Judge(answer("bob"))]
    assert machine.handle(judged("bob"), now=5) == [
        Report(Progress("bob", ClientState.ANSWERED, answer=answer("bob"))),
        Finish(),
        Reply("bob", Fate.ACCEPTED),
    ]


def test_a_client_s_update_arrives_before_it_is_there() -> None:
    machine = begun("ada", "bob")
    machine.handle(ClientWorking("ada"), now=1)
    for client in ("ada", "bob"):  # not everyone says that it works
        assert machine.handle(ClientUploading(client), now=2) == [Report(Progress(client, ClientState.UPLOADING))]
    assert machine.handle(ClientUploading("ada"), now=3) == []  # it was cut, and goes on
    assert machine.handle(ClientWorking("ada"), now=3) == []
    assert machine.handle(ClientUploading("eve"), now=3) == []
    assert machine.states == dict.fromkeys(("ada", "bob"), ClientState.UPLOADING)
    assert not any(state.final for state in machine.states.values())


def test_a_client_is_awaited_until_it_has_its_final_state() -> None:
    machine = begun("ada", "bob")
    assert [machine.awaits(name) for name in ("ada", "eve")] == [True, False]
    machine.handle(Answered(answer("ada")), now=1)
    assert machine.awaits("ada")
    machine.handle(judged("ada"), now=2)
    assert [machine.awaits(name) for name in ("ada", "bob")] == [False, True]


def test_a_round_without_clients_is_over_at_once() -> None:
    assert Round(plan(), REJOIN).handle(Started(frozenset({"eve"})), now=0) == [Wake(SECONDS), Finish()]


def test_an_answer_that_is_refused_never_counts() -> None:
    machine = begun("ada")
    machine.handle(Answered(answer("ada")), now=1)
    effects = machine.handle(judged("ada", Fate.REFUSED, "holds NaN"), now=2)
    assert effects[-1] == Reply("ada", Fate.REFUSED, "holds NaN")
    assert machine.states == {"ada": ClientState.REJECTED}
    assert machine.handle(Answered(answer("ada")), now=3) == [Reply("ada", Fate.REFUSED, "holds NaN")]


def test_an_answer_that_comes_again_gets_the_same_fate_unjudged() -> None:
    machine = begun("ada", "bob")
    machine.handle(Answered(answer("ada")), now=1)
    assert machine.handle(Answered(answer("ada")), now=2) == []
    machine.handle(judged("ada"), now=3)
    assert machine.handle(Answered(answer("ada")), now=4) == [Reply("ada", Fate.ACCEPTED)]


def test_an_answer_from_a_client_that_was_not_asked_is_discarded() -> None:
    effects = begun("ada").handle(Answered(answer("eve")), now=1)
    assert effects == [Reply("eve", Fate.DISCARDED, "this client was not asked in this round")]


def test_a_client_that_was_never_there_is_waited_for_and_then_lost() -> None:
    machine = Round(plan("ada"), REJOIN)
    assert machine.handle(Started(frozenset()), now=5) == [Wake(5 + SECONDS), Wake(5 + REJOIN)]
    assert machine.handle(Tick(), now=5 + REJOIN)[-1] == Finish()
    assert machine.states == {"ada": ClientState.LOST}


def test_a_client_that_comes_back_in_time_is_asked_again() -> None:
    machine = begun("ada")
    assert machine.handle(ClientGone("ada"), now=1) == [Wake(1 + REJOIN)]
    assert machine.handle(ClientBack("ada"), now=2) == [Ask(("ada",))]
    assert machine.handle(Tick(), now=1 + REJOIN) == []
    assert machine.handle(ClientGone("ada"), now=SECONDS - 1) == [Wake(SECONDS)]


def test_a_client_may_deliver_without_coming_back() -> None:
    machine = begun("ada")
    machine.handle(ClientGone("ada"), now=1)
    machine.handle(Answered(answer("ada")), now=2)
    assert machine.handle(Tick(), now=1 + REJOIN) == []
    machine.handle(judged("ada"), now=30)
    assert machine.states == {"ada": ClientState.ANSWERED}


def test_the_deadline_withdraws_what_is_not_there_yet_and_waits_for_what_is_being_judged() -> None:
    machine = begun("ada", "bob")
    machine.handle(Answered(answer("ada")), now=1)
    late = Progress("bob", ClientState.LATE, "the round's time was over")
    assert machine.handle(Tick(), now=SECONDS) == [Withdraw(("bob",)), Report(late)]
    assert machine.handle(Answered(answer("bob")), now=SECONDS) == [Reply("bob", Fate.DISCARDED, late.detail)]
    assert Finish() in machine.handle(judged("ada"), now=SECONDS + 5)


def test_the_deadline_holds_although_its_tick_is_late() -> None:
    effects = begun("ada").handle(Answered(answer("ada")), now=SECONDS)
    assert effects[-2:] == [Finish(), Reply("ada", Fate.DISCARDED, "the round's time was over")]


def test_a_cancelled_round_is_over_and_discards_what_is_being_judged() -> None:
    machine = begun("ada", "bob")
    machine.handle(Answered(answer("ada")), now=1)
    effects = machine.handle(Cancelled(), now=2)
    assert effects[0] == Withdraw(("ada", "bob"))
    assert effects[-1] == Finish()
    discarded = Reply("ada", Fate.DISCARDED, "the round was cancelled")
    assert machine.handle(judged("ada"), now=3) == [discarded]
    assert machine.handle(Answered(answer("ada")), now=4) == [discarded]
    assert machine.handle(Cancelled(), now=5) == []
