"""Clients that are sent elsewhere: one, or all of a combiner that is drained."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import numpy as np
import pytest
from byhand import Desk, Peer, begun
from loopback import Federation
from waiting import within

from fedn.proto import fedn_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")

Join = Callable[..., Awaitable[list[Peer]]]
MODEL = {"a": np.zeros(3, np.float32)}


async def states(desk: Desk) -> AsyncIterator[pb.CombinerState]:
    """What the combiner says to who watches it."""
    watch: Any = desk.rounds.Watch(pb.WatchRequest(), metadata=desk.metadata)
    try:
        while True:
            yield await within(watch.read())
    finally:
        watch.cancel()


async def reassign(desk: Desk, peer: Peer, combiner: str) -> None:
    request = pb.ReassignRequest(receiver=peer.sender, combiner=combiner)
    await within(desk.connector.ReassignClient(request, metadata=desk.metadata))


async def drain(desk: Desk, *, draining: bool) -> None:
    await within(desk.rounds.SetPolicy(pb.CombinerPolicy(draining=draining), metadata=desk.metadata))


async def test_a_client_with_nothing_to_do_goes_at_once_and_is_told_where(desk: Desk, join: Join) -> None:
    (peer,) = await join("peer")
    await reassign(desk, peer, "c7")
    goodbye = (await peer.next()).goodbye
    assert (goodbye.reason, goodbye.reassign, goodbye.combiner) == ("moved by the operator", True, "c7")
    with pytest.raises(EOFError):
        await peer.next()


async def test_a_client_at_work_goes_once_it_has_delivered(desk: Desk, join: Join) -> None:
    peer, other = await join("peer", "other")
    first, second = desk.run(MODEL, "peer", "other"), desk.run(MODEL, "peer")
    await begun(first, other)
    assert {(await peer.task()).id, (await peer.task()).id} == {first.id, second.id}
    await reassign(desk, peer, "c7")
    async for state in states(desk):
        if any((one.name, one.leaving) == ("peer", True) for one in state.clients):
            break
    assert (await peer.send(first.id, MODEL)).fate == pb.ACCEPTED
    goodbye = asyncio.create_task(peer.next())
    assert (await other.send(first.id, MODEL)).fate == pb.ACCEPTED
    await first.result()
    assert not goodbye.done()  # the second round waits for it still
    assert (await peer.send(second.id, MODEL)).fate == pb.ACCEPTED
    assert (await within(goodbye)).goodbye.combiner == "c7"
    await second.result()


async def test_of_two_wishes_the_later_one_counts(desk: Desk, join: Join) -> None:
    (peer,) = await join("peer")
    run = desk.run(MODEL, "peer")
    await begun(run, peer)
    await reassign(desk, peer, "c7")
    await reassign(desk, peer, "c8")
    await peer.send(run.id, MODEL)
    assert (await peer.next()).goodbye.combiner == "c8"


async def test_a_client_that_has_gone_by_itself_is_not_waited_for(desk: Desk, join: Join) -> None:
    (peer,) = await join("peer")
    run = desk.run(MODEL, "peer")
    await begun(run, peer)
    await reassign(desk, peer, "c7")
    peer.hang_up()
    await run.result()
    assert run.states() == {"peer": "LOST"}
    await peer.connect()  # what was wished for the former stream holds for this one no more
    again = desk.run(MODEL, "peer")
    await begun(again, peer)
    await peer.send(again.id, MODEL)
    await again.result()


async def test_a_removed_client_is_told_why_and_sent_nowhere(desk: Desk, join: Join) -> None:
    (peer,) = await join("peer")
    await within(desk.rounds.Remove(pb.Removal(client="peer", reason="too loud"), metadata=desk.metadata))
    goodbye = (await peer.next()).goodbye
    assert (goodbye.reason, goodbye.reassign) == ("too loud", False)
    with pytest.raises(grpc.aio.AioRpcError, match="no client 'nobody' is connected"):
        await desk.rounds.Remove(pb.Removal(client="nobody"), metadata=desk.metadata)


async def test_a_drained_combiner_ends_its_rounds_and_is_empty_until_it_is_resumed(
    network: Federation, desk: Desk, join: Join
) -> None:
    peer, idle = await join("peer", "idle")
    run = desk.run(MODEL, "peer")
    await begun(run, peer)
    for _ in range(2):  # the policy comes again and again
        await drain(desk, draining=True)
    async for state in states(desk):
        if state.draining:
            break
    with pytest.raises(grpc.aio.AioRpcError, match="this combiner is draining"):
        await join("new")
    with pytest.raises(grpc.aio.AioRpcError, match="this combiner is draining"):
        await desk.run(MODEL, "idle").result()
    accepting = await desk.connector.AcceptingClients(pb.ConnectionRequest(), metadata=desk.metadata)
    assert accepting.status == pb.NOT_ACCEPTING
    assert (await peer.send(run.id, MODEL)).fate == pb.ACCEPTED
    for one in (peer, idle):
        goodbye = (await one.next()).goodbye
        assert (goodbye.reason, goodbye.reassign) == ("the operator drains this combiner", True)
    await run.result()
    await drain(desk, draining=False)
    await join("new")


async def test_who_has_not_gone_yet_stays_when_the_combiner_is_resumed(desk: Desk, join: Join) -> None:
    (peer,) = await join("peer")
    run = desk.run(MODEL, "peer")
    await begun(run, peer)
    await drain(desk, draining=True)
    await drain(desk, draining=False)
    assert (await peer.send(run.id, MODEL)).fate == pb.ACCEPTED
    await run.result()
    again = desk.run(MODEL, "peer")
    await begun(again, peer)
    await peer.send(again.id, MODEL)
    await again.result()
