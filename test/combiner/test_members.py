"""Who is connected: the register with its mailboxes, then the task stream as clients open it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc
import numpy as np
import pytest
from byhand import Desk, Peer
from loopback import Federation
from waiting import within

from fedn.combiner.members import Mailbox, Members
from fedn.core import membership
from fedn.core.membership import Member
from fedn.errors import Forbidden, NameInUse, Unavailable
from fedn.proto import fedn_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")

Join = Callable[..., Awaitable[list[Peer]]]
MODEL = {"a": np.zeros(3, np.float32)}


@pytest.fixture
def members() -> Members:
    return Members(max_clients=2, legacy=False)


async def texts(box: Mailbox) -> list[str]:
    """What is left in a mailbox that was closed."""
    return [message.cancel or f"goodbye: {message.goodbye.reason}" async for message in box.messages()]


async def test_a_name_is_held_by_one_process(members: Members) -> None:
    members.join(Member("ada", instance="1"))
    with pytest.raises(NameInUse, match="a client named 'ada' is connected already"):
        members.join(Member("ada", instance="2"))
    assert members.names() == {"ada"}


async def test_a_process_that_returns_takes_its_own_place(members: Members) -> None:
    former = members.join(Member("ada", instance="1"))
    former.post(pb.TaskMessage(cancel="unread"))
    newer = members.join(Member("ada", instance="1", version="2"))
    members.leave(former)  # its stream ends after the new one began
    assert members.names() == {"ada"}
    members.post("ada", pb.TaskMessage(cancel="for the new one"))
    newer.close()
    assert await texts(former) == ["unread"]
    assert await texts(newer) == ["for the new one"]
    members.leave(newer)
    assert not len(members)
    members.join(Member("ada", instance="2"))


async def test_there_is_room_for_so_many(members: Members) -> None:
    members.join(Member("ada", instance="1"))
    members.join(Member("ben", instance="1"))
    with pytest.raises(Unavailable, match=r"full \(2 clients\)"):
        members.join(Member("cyd", instance="1"))
    members.join(Member("ben", instance="1"))  # no further one
    members.drained = True
    with pytest.raises(Unavailable, match="draining"):
        members.join(Member("ben", instance="1"))


async def test_listeners_are_told_of_comings_and_goings(members: Members) -> None:
    told: list[tuple[str, bool]] = []
    unlisten = members.listen(lambda name, connected: told.append((name, connected)))
    box = members.join(Member("ada", instance="1"))
    members.leave(box)
    members.leave(box)
    unlisten()
    members.join(Member("ben", instance="1"))
    assert told == [("ada", True), ("ada", False)]


async def test_a_revoked_token_cuts_off_who_lives_on_it(members: Members) -> None:
    cut = members.join(Member("ada", instance="1", token_ids=frozenset({"derived", "parent"})))
    kept = members.join(Member("ben", instance="1", token_ids=frozenset({"other"})))
    members.revoke({"parent", "unknown"})
    kept.close()
    assert await texts(cut) == ["goodbye: the token was revoked"]
    assert await texts(kept) == []


async def test_at_the_end_everybody_is_parted_from(members: Members) -> None:
    boxes = [members.join(Member(name, instance="1")) for name in ("ada", "ben")]
    members.farewell("going down", reassign=True)
    assert [await texts(box) for box in boxes] == [["goodbye: going down"]] * 2


async def test_what_is_posted_to_who_is_not_here_is_dropped(members: Members) -> None:
    members.post("nobody", pb.TaskMessage(cancel="x"))
    members.hear(pb.Heartbeat(sender=pb.Client(name="nobody")))
    assert not members.loads


async def test_clients_of_2021_live_by_their_heartbeats(members: Members, monkeypatch: pytest.MonkeyPatch) -> None:
    boxes = [members.join(Member("ada", legacy=True), kind=kind) for kind in (pb.TRAIN, pb.VALIDATE)]
    members.post("ada", pb.TaskMessage(cancel="both"))
    members.leave(boxes[0])
    assert members.names() == {"ada"}
    later = time.monotonic() + membership.LEGACY_SECONDS
    monkeypatch.setattr("fedn.combiner.members.time.monotonic", lambda: later)
    members.hear(pb.Heartbeat(sender=pb.Client(name="ada"), processor=0.5))
    members.expire()
    assert members.loads["ada"].processor == 0.5
    later += membership.LEGACY_SECONDS + 1
    members.expire()
    assert not len(members)
    assert not members.loads
    assert await texts(boxes[1]) == ["both"]


async def test_a_stream_of_2021_gets_the_tasks_that_it_is_for_and_each_once(members: Members) -> None:
    train = members.join(Member("ada", legacy=True), kind=pb.TRAIN)
    members.post("ada", task("early", pb.VALIDATE))
    validate = members.join(Member("ada", legacy=True), kind=pb.VALIDATE)
    for _ in range(2):
        members.post("ada", task("t", pb.TRAIN))
        members.post("ada", task("v", pb.VALIDATE))
    assert members.takers(pb.TRAIN) == members.takers(pb.VALIDATE) == ["ada"]
    again = members.join(Member("ada", legacy=True), kind=pb.TRAIN)  # the former one is not known to be dead
    members.post("ada", task("t", pb.TRAIN))
    members.post("ada", task("t2", pb.TRAIN))
    validate.close()
    again.close()
    assert await task_ids(train) == ["t"]
    assert await task_ids(validate) == ["v"]
    assert await task_ids(again) == ["t", "t2"]
    members.leave(train)
    members.leave(again)
    assert (members.takers(pb.TRAIN), members.takers(pb.VALIDATE)) == ([], ["ada"])
    members.leave(validate)
    assert not len(members)


async def test_a_stream_of_2021_that_opens_is_told_so_that_its_task_can_be_asked_again(members: Members) -> None:
    told: list[tuple[str, bool]] = []
    members.listen(lambda name, connected: told.append((name, connected)))
    members.join(Member("ada", legacy=True), kind=pb.VALIDATE)
    members.join(Member("ada", legacy=True), kind=pb.TRAIN)
    assert told == [("ada", True), ("ada", True)]


def task(task_id: str, kind: pb.TaskType) -> pb.TaskMessage:
    return pb.TaskMessage(task=pb.Task(id=task_id, type=kind))


async def task_ids(box: Mailbox) -> list[str]:
    """The tasks that are left in a mailbox that was closed."""
    return [message.task.id async for message in box.messages()]


async def test_without_a_token_one_speaks_only_as_assigned(members: Members) -> None:
    with pytest.raises(Unavailable, match="has not heard from its reducer yet"):
        members.caller("old")
    members.legacy, members.legacy_names = True, frozenset({"old", "taken"})
    members.join(Member("taken", instance="1"))
    assert members.caller("old") == "old"
    for name in ("new", "taken"):
        with pytest.raises(Forbidden, match=f"no client '{name}' without a token"):
            members.caller(name)
    members.legacy = False
    with pytest.raises(Forbidden, match="the reducer lets in no clients that give no token"):
        members.caller("old")


async def test_without_a_name_one_transfers_only_from_where_a_name_was_heard(
    members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    members.legacy, members.legacy_names = True, frozenset({"old"})

    def refused(peer: str, name: str = "") -> bool:
        try:
            members.check_transfer(name, peer)
        except Forbidden:
            return True
        return False

    assert refused("ipv4:10.0.0.7:1")
    members.caller("old", "ipv4:10.0.0.7:1")
    assert not refused("ipv4:10.0.0.7:2")
    assert refused("ipv4:10.0.0.8:1")
    assert not refused("ipv4:10.0.0.8:1", name="old")
    assert refused("ipv4:10.0.0.7:1", name="eve")
    later = time.monotonic() + membership.LEGACY_SECONDS + 1
    monkeypatch.setattr("fedn.combiner.members.time.monotonic", lambda: later)
    assert refused("ipv4:10.0.0.7:2")


async def test_those_whom_the_reducer_does_not_name_any_more_are_parted_from(members: Members) -> None:
    members.legacy, members.legacy_names = True, frozenset({"ada", "ben"})
    boxes = [members.join(Member(name, legacy=True), kind=pb.TRAIN) for name in ("ada", "ben")]
    members.legacy_names = frozenset({"ben"})
    members.part_with_strangers()
    boxes[1].close()
    assert [await texts(box) for box in boxes] == [["goodbye: the reducer does not let this client in here"], []]


# --- as clients call it


async def test_the_stream_begins_with_what_a_client_must_know(network: Federation) -> None:
    async with network.peer("peer") as peer:
        welcome = await peer.connect()
        settings = network.combiners["c0"].settings
        assert (welcome.heartbeat_seconds, welcome.inline_bytes) == (settings.heartbeat_seconds, settings.inline_bytes)


async def test_a_second_live_client_of_one_name_is_refused(network: Federation, join: Join) -> None:
    (peer,) = await join("peer")
    with pytest.raises(grpc.aio.AioRpcError, match="a client named 'peer' is connected already") as caught:
        async with network.peer("peer") as namesake:
            await namesake.connect("another process")
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS
    await peer.connect()  # the same process again


async def test_a_stream_takes_an_instance(join: Join) -> None:
    (peer,) = await join("peer")
    stream = peer.tasks.Stream(pb.ClientAvailableMessage(sender=peer.sender), metadata=peer.metadata)
    with pytest.raises(grpc.aio.AioRpcError, match="a task stream needs a token and an instance"):
        await within(stream.read())


async def test_a_heartbeat_tells_the_load_and_the_reducer_sees_it(
    network: Federation, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedn.combiner.control_service.WATCH_SECONDS", 0.05)
    (peer,) = await join("peer")
    began = time.time()
    heartbeat = pb.Heartbeat(sender=peer.sender, processor=0.25, memory_bytes=4096, round_trip=0.5)
    await peer.connector.SendHeartbeat(heartbeat, metadata=peer.metadata)
    async with network.desk() as desk:
        watch = desk.rounds.Watch(pb.WatchRequest(), metadata=desk.metadata)
        state = await within(watch.read())
        watch.cancel()
    found = {one.name: one for one in state.clients}["peer"]
    assert (found.connected, found.processor, found.memory_bytes) == (True, 0.25, 4096)
    assert (found.round_trip, found.leaving) == (0.5, False)
    assert began <= found.last_seen <= time.time()
    shown = await network.until(lambda: next((one for one in network.operator.clients() if one["round_trip"]), None))
    assert (shown["name"], shown["round_trip"], shown["last_seen"]) == ("peer", 0.5, found.last_seen)


async def test_who_is_connected_can_be_asked(desk: Desk, join: Join) -> None:
    await join("ada", "ben")
    clients = await desk.connector.ListActiveClients(pb.ListClientsRequest(), metadata=desk.metadata)
    assert {"ada", "ben"} <= {client.name for client in clients.client}
    accepting = await desk.connector.AcceptingClients(pb.ConnectionRequest(), metadata=desk.metadata)
    assert accepting.status == pb.ACCEPTING


async def test_a_client_can_be_moved(desk: Desk, join: Join) -> None:
    (peer,) = await join("peer")
    await desk.connector.ReassignClient(pb.ReassignRequest(receiver=peer.sender), metadata=desk.metadata)
    goodbye = (await peer.next()).goodbye
    assert (goodbye.reason, goodbye.reassign) == ("moved by the operator", True)
    with pytest.raises(EOFError):
        await peer.next()
    await peer.connect()
    await desk.connector.ReconnectClient(pb.ReconnectRequest(receiver=peer.sender), metadata=desk.metadata)
    assert (await peer.next()).goodbye.reassign
    for command, request in (
        (desk.connector.ReassignClient, pb.ReassignRequest),
        (desk.connector.ReconnectClient, pb.ReconnectRequest),
    ):
        with pytest.raises(grpc.aio.AioRpcError, match="no client 'nobody' is connected"):
            await command(request(receiver=pb.Client(name="nobody")), metadata=desk.metadata)


async def test_a_full_and_a_draining_combiner_take_nobody(tmp_path: Path) -> None:
    async with (
        Federation(tmp_path, combiner={"max_clients": 1}) as network,
        network.desk() as desk,
        network.peer("one") as one,
        network.peer("spare") as spare,
    ):
        await one.connect()
        status = await desk.connector.AcceptingClients(pb.ConnectionRequest(), metadata=desk.metadata)
        assert status.status == pb.TRY_AGAIN_LATER
        with pytest.raises(grpc.aio.AioRpcError, match="full"):
            await spare.connect()
        draining = network.combiners.pop("c0")
        await draining.drain()
        assert (await one.next()).goodbye.reassign
        with pytest.raises(EOFError):
            await one.next()
        await network.until(lambda: not network.live())
