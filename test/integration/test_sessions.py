"""Sessions from their start to their end, as an operator sees them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loopback import Federation, plus_one
from waiting import DEADLINE

from fedn.errors import NotReady, SessionRunning

MODEL = {"a": np.zeros(3, np.float32)}


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Federation]:
    async with Federation(tmp_path, combiners=2) as federation:
        await federation.seed(MODEL)
        yield federation


class Gate:
    """A train function that waits until it is let through."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._open = threading.Event()

    def __call__(self, model: Any) -> Any:
        self.reached.set()
        self._open.wait(DEADLINE)
        return plus_one(model)

    def open(self) -> None:
        self._open.set()

    async def wait(self) -> None:
        assert await asyncio.to_thread(self.reached.wait, DEADLINE)


async def test_what_happens_is_told_as_it_happens(network: Federation) -> None:
    gate = Gate()
    await network.add_client("one", train=gate)
    await network.add_client("two")
    session = await network.start_session(rounds=2, clients_required=2)
    await gate.wait()
    told = []
    async for kind, data in network.watch(session.id):
        gate.open()
        told.append((kind, data))
    rounds_told = [
        [(d["number"], d["kind"]) for k, d in told if k == f"round_{what}"] for what in ("started", "finished")
    ]
    assert rounds_told[1] == [(1, "train"), (1, "validate"), (2, "train"), (2, "validate")]
    assert rounds_told[0] == rounds_told[1]  # the one that had begun is told first
    assert [data["number"] for kind, data in told if kind == "model"] == [1, 2]
    assert [data["metrics"] for kind, data in told if kind == "validation"] == [{"mean": 1.0}, {"mean": 2.0}]
    finals = [
        one["state"]
        for kind, data in told
        if kind == "round_progress"
        for one in data["clients"]
        if one["state"] != "working"
    ]
    assert finals[-6:] == ["answered"] * 6
    assert told[-1][1]["state"] == "finished"
    rounds = await asyncio.to_thread(network.operator.rounds, session.id)
    assert [(one.number, one.kind, one.state) for one in reversed(rounds)] == [
        (1, "train", "finished"),
        (1, "validate", "finished"),
        (2, "train", "finished"),
        (2, "validate", "finished"),
    ]
    validations = await asyncio.to_thread(lambda: network.operator.validations(session_id=session.id))
    assert sorted((one.client, one.data["mean"]) for one in validations) == [
        ("one", 1.0),
        ("one", 2.0),
        ("two", 1.0),
        ("two", 2.0),
    ]


async def test_a_session_is_stopped_in_the_middle_of_a_round(network: Federation) -> None:
    gate = Gate()
    await network.add_client("one", train=gate)
    session = await network.start_session(rounds=5)
    await gate.wait()
    await asyncio.to_thread(network.operator.stop_session, session.id)
    ended = await network.end_of(session)
    gate.open()
    assert (ended.state, ended.rounds_done, ended.error) == ("stopped", 0, "")
    assert len(await network.trail()) == 1
    again = await network.session(rounds=1)
    assert again.state == "finished"


async def test_one_session_runs_at_a_time(network: Federation) -> None:
    gate = Gate()
    await network.add_client("one", train=gate)
    session = await network.start_session()
    await gate.wait()
    with pytest.raises(SessionRunning, match=session.id):
        await network.start_session()
    gate.open()
    assert (await network.end_of(session)).state == "finished"
    assert (await network.session()).state == "finished"


async def test_two_that_are_started_at_once_are_one_and_an_error(network: Federation) -> None:
    await network.add_client("one")
    outcomes = await asyncio.gather(*(network.start_session() for _ in range(4)), return_exceptions=True)
    started = [one for one in outcomes if not isinstance(one, BaseException)]
    assert len(started) == 1
    assert {type(one) for one in outcomes if isinstance(one, BaseException)} == {SessionRunning}
    await network.end_of(started[0])
    assert len(await network.trail()) == 2


async def test_a_session_takes_enough_clients(network: Federation) -> None:
    await network.add_client("one")
    with pytest.raises(NotReady, match="1 of the 3 clients required are connected"):
        await network.start_session(clients_required=3)


async def test_a_session_that_clients_leave_waits_for_them_and_then_fails(network: Federation) -> None:
    gate = Gate()
    await network.add_client("one", train=gate)
    await network.add_client("two", train=gate)
    session = await network.start_session(clients_required=2, round_timeout=1.5, attempts=2)
    await gate.wait()
    await network.remove_client("two")
    await network.until(lambda: set(network.live()) == {"one"})
    gate.open()
    ended = await network.end_of(session)
    assert ended.state == "failed"
    assert ended.error == "round 1 failed after 2 attempts: 1 of the 2 clients required were live within 1.5 s"
    assert len(await network.trail()) == 1


async def test_a_session_that_waits_goes_on_when_clients_come(network: Federation) -> None:
    gate = Gate()
    await network.add_client("one", train=gate)
    await network.add_client("two", train=gate)
    session = await network.start_session(rounds=2, clients_required=2)
    await gate.wait()
    async with aclosing(network.watch(session.id)) as events:
        gate.open()
        async for kind, _ in events:
            if kind == "model":
                break
        await network.remove_client("two")
        await network.add_client("three")
    ended = await network.end_of(session)
    assert (ended.state, ended.rounds_done) == ("finished", 2), ended.error


async def test_the_same_clients_are_chosen_whatever_the_split(network: Federation) -> None:
    async def chosen(homes: str, **options: Any) -> list[list[str]]:
        names = [f"n{number}" for number in range(6)]
        for name, home in zip(names, homes, strict=True):
            await network.add_client(name, combiner=f"c{home}")
        session = await network.session(rounds=3, clients_required=2, seed=11, validate=False, **options)
        assert session.state == "finished", session.error
        rounds = await asyncio.to_thread(network.operator.rounds, session.id)
        for name in names:
            await network.remove_client(name)
        await network.until(lambda: not network.live())
        details = [await asyncio.to_thread(network.web.get, f"/api/v1/rounds/{one.id}") for one in reversed(rounds)]
        return [sorted(client["client"] for client in one["clients"]) for one in details]

    splits = [await chosen(homes, clients_requested=3) for homes in ("000000", "010101", "110000")]
    assert splits[0] == splits[1] == splits[2]
    assert [len(names) for names in splits[0]] == [3, 3, 3]
    assert len({tuple(names) for names in splits[0]}) > 1
    halves = [await chosen(homes, fraction=0.5) for homes in ("000111", "101010")]
    assert halves[0] == halves[1] == splits[0]


@pytest.mark.parametrize(
    ("train", "reason"),
    [
        (lambda model: {"a": model["a"] * np.nan}, "client bad: array 'a' has values that are not finite"),
        (lambda model: {"a": model["a"][:2]}, "client bad: array 'a' has shape (2,), the model's has (3,)"),
        (lambda model: 3, "client bad: the train function returned a int"),
        (None, "client bad: this client has no function to train"),
    ],
)
async def test_a_round_that_fails_says_who_and_why_and_leaves_the_trail(
    network: Federation, train: Callable[..., Any] | None, reason: str
) -> None:
    await network.add_client("bad", train=train)
    await network.add_client("good")
    before = await network.trail()
    session = await network.session(clients_required=2, attempts=1)
    assert session.state == "failed"
    assert "1 of 2 clients answered, 2 are required" in session.error
    assert reason in session.error
    assert await network.trail() == before
    # Where one is enough, the good one counts and the bad one does not.
    session = await network.session(clients_required=1, attempts=1)
    assert session.state == "finished", session.error
    np.testing.assert_array_equal((await network.model())["a"], [1, 1, 1])


async def test_what_goes_on_can_be_left_and_gone_back_to(network: Federation) -> None:
    gate = Gate()
    await network.add_client("one", train=gate)
    session = await network.start_session(rounds=2)
    await gate.wait()
    async with aclosing(network.watch(session.id)) as events:
        kind, data = await anext(events)
        assert (kind, data["state"]) == ("session", "running")
    gate.open()
    assert (await network.end_of(session)).rounds_done == 2
    assert [kind async for kind, _ in network.watch(session.id)] == ["session"]
