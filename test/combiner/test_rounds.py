"""Rounds at one combiner, from both sides by hand: what counts, what does not, and what everybody is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import grpc
import numpy as np
import pytest
from byhand import Desk, begun
from loopback import Federation

from fedn.core import weights as w
from fedn.core.aggregation import from_bytes
from fedn.proto import fedn_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODEL = {"a": np.zeros((2, 3), np.float32), "b": np.zeros(4, np.float64)}
GOOD = {"a": np.full((2, 3), 2, np.float32), "b": np.arange(4, dtype=np.float64)}


def mean_of(result: pb.RoundResult) -> dict[str, np.ndarray]:
    return from_bytes(result.partial.data).mean()


async def test_updates_are_weighted_by_their_examples(desk: Desk, join: Callable) -> None:
    one, other = await join("one", "other")
    run = desk.run(MODEL, "one", "other")
    task = await one.task()
    assert (task.id, task.type, w.read(task.model.data).keys()) == (run.id, pb.TRAIN, MODEL.keys())
    assert (await other.task()).id == run.id
    ones = {name: np.ones_like(array) for name, array in MODEL.items()}
    fives = {name: np.full_like(array, 5) for name, array in MODEL.items()}
    answers = await asyncio.gather(one.send(run.id, ones, examples=3), other.send(run.id, fives, examples=1))
    assert [answer.fate for answer in answers] == [pb.ACCEPTED, pb.ACCEPTED]
    result = await run.result()
    assert {name: set(array.flat) for name, array in mean_of(result).items()} == {"a": {2.0}, "b": {2.0}}
    assert from_bytes(result.partial.data).weight == 4
    assert run.states() == {"one": "ANSWERED", "other": "ANSWERED"}
    assert run.progress["one"].num_examples == 3
    assert run.progress["one"].bytes == len(w.to_bytes(ones))


WRONG: dict[str, tuple[bytes, str]] = {
    "nan": (w.to_bytes({**GOOD, "b": np.array([0, 1, np.nan, 3])}), "'b' has values that are not finite"),
    "infinite": (w.to_bytes({**GOOD, "a": np.full((2, 3), np.inf, np.float32)}), "'a' has values that are not finite"),
    "shape": (w.to_bytes({**GOOD, "a": np.ones((3, 2), np.float32)}), "'a' has shape (3, 2), the model's has (2, 3)"),
    "dtype": (w.to_bytes({**GOOD, "a": np.ones((2, 3), np.int64)}), "'a' holds int64, the model's holds float32"),
    "missing": (w.to_bytes({"a": GOOD["a"]}), "'b' is missing"),
    "extra": (w.to_bytes({**GOOD, "c": GOOD["b"]}), "'c' is not in the model"),
    "truncated": (w.to_bytes(GOOD)[:-30], ""),
    "garbage": (b"\x80\x04no model at all", "nor numbers as text"),
}


async def test_a_refused_update_leaves_the_sum_as_it_was(desk: Desk, join: Callable) -> None:
    peers = await join("good", *WRONG)
    run = desk.run(MODEL, "good", *WRONG)
    await begun(run, *peers)
    for peer in peers[1:]:
        content, reason = WRONG[peer.name]
        answer = await peer.send(run.id, content, examples=1000)
        assert answer.fate == pb.REFUSED, peer.name
        assert reason in answer.response
        assert (await peer.send(run.id, GOOD)).fate == pb.REFUSED  # there is no second try
        assert reason in (await run.until(peer.name, pb.REJECTED)).detail
    assert (await peers[0].send(run.id, GOOD)).fate == pb.ACCEPTED
    partial = from_bytes((await run.result()).partial.data)
    assert (partial.count, partial.weight) == (1, 1.0)
    for name, array in partial.mean().items():
        np.testing.assert_array_equal(array, GOOD[name])


@pytest.mark.parametrize("examples", [0, 2**53 + 1, 2**63])
async def test_examples_that_can_be_no_weight(desk: Desk, join: Callable, examples: int) -> None:
    (peer,) = await join("peer")
    run = desk.run(MODEL, "peer")
    await begun(run, peer)
    with pytest.raises(grpc.aio.AioRpcError, match=f"num_examples is {examples}") as caught:
        await peer.send(run.id, GOOD, examples=examples)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert not (await run.result()).HasField("partial")
    assert "num_examples" in run.progress["peer"].detail
    assert run.states() == {"peer": "BROKEN"}


async def test_what_belongs_to_no_round_counts_nowhere(desk: Desk, join: Callable) -> None:
    asked, unasked = await join("asked", "unasked")
    run = desk.run(MODEL, "asked")
    await asked.task()
    assert (await unasked.send(run.id, GOOD)).fate == pb.DISCARDED
    assert (await asked.send("no such round", GOOD)).fate == pb.DISCARDED
    assert (await asked.send(run.id, GOOD)).fate == pb.ACCEPTED
    assert from_bytes((await run.result()).partial.data).count == 1
    assert run.states() == {"asked": "ANSWERED"}


async def test_an_update_that_comes_again_gets_the_same_fate_and_counts_once(desk: Desk, join: Callable) -> None:
    first, last = await join("first", "last")
    run = desk.run(MODEL, "first", "last")
    await begun(run, first, last)
    assert [(await first.send(run.id, GOOD)).fate for _ in range(2)] == [pb.ACCEPTED, pb.ACCEPTED]
    both = await asyncio.gather(last.send(run.id, GOOD), last.send(run.id, GOOD))
    assert [answer.fate for answer in both] == [pb.ACCEPTED, pb.ACCEPTED]
    assert from_bytes((await run.result()).partial.data).count == 2
    # The round is over; who did not hear of it asks again.
    assert (await last.send(run.id, GOOD)).fate == pb.ACCEPTED


async def test_a_late_update_is_discarded_and_leaks_into_no_other_round(desk: Desk, join: Callable) -> None:
    prompt, slow = await join("prompt", "slow")
    run = desk.run(MODEL, "prompt", "slow", seconds=0.3)
    await begun(run, prompt)
    await prompt.send(run.id, GOOD)
    assert from_bytes((await run.result()).partial.data).count == 1
    assert run.states() == {"prompt": "ANSWERED", "slow": "LATE"}
    assert run.progress["slow"].detail == "the round's time was over"
    await slow.task()
    assert (await slow.next()).cancel == run.id
    following = desk.run(MODEL, "prompt", "slow")
    await begun(following, prompt, slow)
    huge = {name: array + 1e9 for name, array in GOOD.items()}
    late = await slow.send(run.id, huge)
    assert (late.fate, late.response) == (pb.DISCARDED, "the round's time was over")
    await asyncio.gather(prompt.send(following.id, GOOD), slow.send(following.id, GOOD))
    np.testing.assert_array_equal(mean_of(await following.result())["a"], GOOD["a"])


async def test_one_that_stays_away_is_lost_and_holds_nobody_up(desk: Desk, join: Callable) -> None:
    here, away = await join("here", "away")
    run = desk.run(MODEL, "here", "away", "never came", seconds=3600)
    await away.task()
    away.hang_up()
    await here.send(run.id, GOOD)
    assert from_bytes((await run.result()).partial.data).count == 1
    assert run.states() == {"here": "ANSWERED", "away": "LOST", "never came": "LOST"}
    assert (await away.send(run.id, GOOD)).fate == pb.DISCARDED


async def test_one_that_comes_back_is_asked_again_and_delivers(tmp_path: Path) -> None:
    async with (
        Federation(tmp_path, combiner={"rejoin_seconds": 3600}) as network,
        network.desk() as desk,
        network.peer("peer") as peer,
    ):
        await peer.connect()
        run = desk.run(MODEL, "peer")
        task = await peer.task()
        peer.hang_up()
        await peer.connect()
        assert (await peer.task()).id == task.id
        assert (await peer.send(run.id, GOOD)).fate == pb.ACCEPTED
        assert from_bytes((await run.result()).partial.data).count == 1


async def test_a_client_that_reports_a_failure_is_not_waited_for(desk: Desk, join: Callable) -> None:
    (peer,) = await join("peer")
    run = desk.run(MODEL, "peer", seconds=3600)
    await begun(run, peer)
    await peer.fail(run.id, "no data here")
    assert not (await run.result()).HasField("partial")
    assert run.states() == {"peer": "BROKEN"}
    assert run.progress["peer"].detail == "no data here"
    assert (await peer.send(run.id, GOOD)).fate == pb.DISCARDED


async def test_a_client_that_says_it_works_is_seen_working(desk: Desk, join: Callable) -> None:
    (peer,) = await join("peer")
    run = desk.run(MODEL, "peer")
    await begun(run, peer)
    status = pb.Status(sender=peer.sender, type=pb.MODEL_UPDATE_REQUEST, correlation_id=run.id)
    await peer.connector.SendStatus(status, metadata=peer.metadata)
    await run.until("peer", pb.WORKING)
    # As a client of 2021 says it: with the request as JSON.
    status = pb.Status(sender=peer.sender, type=pb.MODEL_UPDATE_REQUEST, data=json.dumps({"correlationId": run.id}))
    await peer.connector.SendStatus(status, metadata=peer.metadata)
    status.data = "[" * 100_000
    await peer.connector.SendStatus(status, metadata=peer.metadata)
    await peer.send(run.id, GOOD)
    await run.result()
    assert run.states() == {"peer": "ANSWERED"}


async def test_who_breaks_the_call_off_ends_the_round(desk: Desk, join: Callable) -> None:
    (peer,) = await join("peer")
    run = desk.run(MODEL, "peer")
    await peer.task()
    run.call.cancel()
    assert (await peer.next()).cancel == run.id
    assert (await peer.send(run.id, GOOD)).fate == pb.DISCARDED


async def test_a_round_of_nobody_ends_at_once(desk: Desk) -> None:
    run = desk.run(MODEL, seconds=3600)
    assert not (await run.result()).HasField("partial")


async def test_a_round_runs_once_at_a_time(desk: Desk, join: Callable) -> None:
    (peer,) = await join("peer")
    run = desk.run(MODEL, "peer")
    await peer.task()
    again = desk.run(MODEL, "peer", round_id=run.id)
    with pytest.raises(grpc.aio.AioRpcError, match="is running already"):
        await again.result()
    await peer.send(run.id, GOOD)
    assert (await run.result()).HasField("partial")


async def test_a_model_that_can_not_be_read_breaks_the_round_off(desk: Desk, join: Callable) -> None:
    (peer,) = await join("peer")
    run = desk.run(b"no model", "peer")
    await begun(run, peer)
    assert (await peer.send(run.id, GOOD)).fate == pb.REFUSED
    with pytest.raises(grpc.aio.AioRpcError, match="folding broke off"):
        await run.result()


async def test_two_rounds_at_once_stay_apart(desk: Desk, join: Callable) -> None:
    one, other = await join("one", "other")
    first, second = desk.run(MODEL, "one", "other"), desk.run(MODEL, "other", "one")
    tasks = [(await peer.task()).id for peer in (one, other) for _ in range(2)]
    assert sorted(tasks) == sorted([first.id, second.id] * 2)
    twice = {name: 2 * array for name, array in GOOD.items()}
    await asyncio.gather(*(peer.send(first.id, GOOD) for peer in (one, other)))
    await asyncio.gather(*(peer.send(second.id, twice) for peer in (one, other)))
    np.testing.assert_array_equal(mean_of(await first.result())["b"], GOOD["b"])
    np.testing.assert_array_equal(mean_of(await second.result())["b"], twice["b"])


async def test_the_exact_sum_is_the_same_in_every_order(desk: Desk, join: Callable) -> None:
    draw = np.random.default_rng(7)
    names = [f"n{number}" for number in range(6)]
    updates = {
        name: {
            "a": (draw.standard_normal((2, 3)) * 10.0 ** draw.integers(-9, 9)).astype(np.float32),
            "b": draw.standard_normal(4),
        }
        for name in names
    }
    peers = await join(*names)
    means = []
    for order in (peers, peers[::-1], peers[3:] + peers[:3]):
        run = desk.run(MODEL, *names, reproducible=True)
        await begun(run, *peers)
        for peer in order:
            await peer.send(run.id, updates[peer.name], examples=1 + int(peer.name[1:]))
        means.append(w.to_bytes(mean_of(await run.result())))
    assert len(set(means)) == 1
