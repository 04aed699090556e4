"""Files on their way through a combiner: Upload and Download as clients call them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import grpc
import numpy as np
import pytest
from byhand import Desk, Peer
from loopback import Federation
from waiting import within

from fedn.core import weights as w
from fedn.core.aggregation import from_bytes
from fedn.core.model import TaskKind
from fedn.proto import fedn_pb2 as pb
from fedn.security.digest import sha256_bytes

pytestmark = pytest.mark.asyncio(loop_scope="module")

Join = Callable[..., Awaitable[list[Peer]]]

MODEL = {"a": np.zeros(1000, np.float32)}
UPDATE = w.to_bytes({"a": np.arange(1000, dtype=np.float32)})


async def test_an_update_is_reported_as_it_begins_to_arrive(desk: Desk, join: Join) -> None:
    (peer,) = await join("peer")
    run, other = desk.run(MODEL, "peer"), desk.run(MODEL, "peer", kind=TaskKind.VALIDATE)
    await peer.task()
    await peer.task()
    pieces: asyncio.Queue[pb.ModelRequest | None] = asyncio.Queue()

    async def requests() -> AsyncIterator[pb.ModelRequest]:
        while (piece := await pieces.get()) is not None:
            yield piece

    announced = {"total_size": len(UPDATE), "sha256": sha256_bytes(UPDATE)}
    pieces.put_nowait(pb.ModelRequest(sender=peer.sender, id="u", data=UPDATE[:10], status=pb.IN_PROGRESS, **announced))
    upload = peer.models.Upload(requests(), metadata=peer.metadata)
    await run.until("peer", pb.UPLOADING)
    for piece in (pb.ModelRequest(id="u", data=UPDATE[10:], status=pb.IN_PROGRESS), pb.ModelRequest(id="u"), None):
        pieces.put_nowait(piece)
    assert (await within(upload)).status == pb.OK
    assert (await peer.send_uploaded(run.id, "u")).fate == pb.ACCEPTED
    await run.result()
    assert run.states() == {"peer": "ANSWERED"}
    assert (await peer.validate(other.id, "{}")).fate == pb.ACCEPTED
    await other.result()
    assert other.seen == [("peer", pb.ANSWERED)]  # an update is no part of it


async def test_an_uploaded_update_is_folded_in_and_gone(network: Federation, desk: Desk, join: Join) -> None:
    (peer,) = await join("peer")
    run = desk.run(MODEL, "peer")
    await peer.task()
    assert (await peer.held("u")).offset == 0
    assert (await peer.upload(UPDATE, file_id="u")).status == pb.OK
    held = await peer.held("u")
    assert (held.status, held.offset, held.total_size, held.sha256) == (
        pb.OK,
        len(UPDATE),
        len(UPDATE),
        sha256_bytes(UPDATE),
    )
    assert (await peer.send_uploaded(run.id, "u", examples=7)).fate == pb.ACCEPTED
    partial = from_bytes((await run.result()).partial.data)
    assert (partial.count, partial.weight) == (1, 7.0)
    np.testing.assert_array_equal(partial.mean()["a"], np.arange(1000, dtype=np.float32))
    assert run.progress["peer"].bytes == len(UPDATE)
    assert not network.spooled()


@pytest.mark.parametrize(
    ("content", "announced"),
    [(UPDATE[:-10], {"total_size": len(UPDATE)}), (UPDATE, {"sha256": "0" * 64}), (UPDATE + b"x", {"total_size": 1})],
    ids=["cut", "changed", "longer"],
)
async def test_a_corrupt_upload_is_refused_and_may_come_again(
    network: Federation, desk: Desk, join: Join, content: bytes, announced: dict
) -> None:
    (peer,) = await join("peer")
    run = desk.run(MODEL, "peer")
    await peer.task()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await peer.upload(content, file_id="u", **announced)
    assert caught.value.code() is grpc.StatusCode.DATA_LOSS
    assert not network.spooled()
    await peer.upload(UPDATE, file_id="u")
    assert (await peer.send_uploaded(run.id, "u")).fate == pb.ACCEPTED
    await run.result()


@pytest.mark.parametrize("content", [UPDATE[:-10], b"rubbish", w.to_bytes({"a": np.zeros(3)})])
async def test_an_upload_that_is_no_update_is_refused_and_gone(
    network: Federation, desk: Desk, join: Join, content: bytes
) -> None:
    (peer,) = await join("peer")
    run = desk.run(MODEL, "peer")
    await peer.task()
    await peer.upload(content, file_id="u")
    assert (await peer.send_uploaded(run.id, "u")).fate == pb.REFUSED
    assert not (await run.result()).HasField("partial")
    assert not network.spooled()


async def test_what_was_not_uploaded_by_its_sender_is_refused(network: Federation, desk: Desk, join: Join) -> None:
    thief, owner = await join("thief", "owner")
    run = desk.run(MODEL, "thief", "owner")
    await thief.task()
    await owner.upload(UPDATE, file_id="u")
    answer = await thief.send_uploaded(run.id, "u")
    assert answer.fate == pb.REFUSED
    assert "u was not uploaded" in answer.response
    assert (await owner.send_uploaded(run.id, "u")).fate == pb.ACCEPTED
    await run.result()


async def test_an_upload_for_a_round_that_is_over_is_gone(network: Federation, desk: Desk, join: Join) -> None:
    (peer,) = await join("peer")
    await peer.upload(UPDATE, file_id="u")
    assert network.spooled()
    assert (await peer.send_uploaded("no such round", "u")).fate == pb.DISCARDED
    assert not network.spooled()


async def test_a_stream_that_breaks_off_keeps_what_it_brought(network: Federation, join: Join) -> None:
    (peer,) = await join("peer")
    file_id = uuid.uuid4().hex
    stopped = asyncio.Event()

    async def half() -> AsyncIterator[pb.ModelRequest]:
        head = {"total_size": len(UPDATE), "sha256": sha256_bytes(UPDATE)}
        yield pb.ModelRequest(sender=peer.sender, id=file_id, status=pb.IN_PROGRESS, data=UPDATE[:1000], **head)
        await stopped.wait()

    call = peer.models.Upload(half(), metadata=peer.metadata)
    while (await peer.held(file_id)).offset < 1000:  # each is a call to the combiner and back
        pass
    call.cancel()
    stopped.set()
    held = await peer.held(file_id)
    assert (held.status, held.offset) == (pb.IN_PROGRESS, 1000)
    with pytest.raises(grpc.aio.AioRpcError, match="does not go on at byte 500"):
        await peer.upload(UPDATE, file_id=file_id, offset=500)
    assert (await peer.upload(UPDATE, file_id=file_id, offset=1000)).status == pb.OK
    assert (await peer.send_uploaded("none", file_id)).fate == pb.DISCARDED
    assert not network.spooled()


async def test_an_upload_starts_with_its_id(join: Join) -> None:
    (peer,) = await join("peer")
    for requests in ([], [pb.ModelRequest(data=b"x")]):
        with pytest.raises(grpc.aio.AioRpcError, match="starts with a message that bears its id"):
            await within(peer.models.Upload(iter(requests), metadata=peer.metadata))


async def test_a_model_is_downloaded_whole_or_from_an_offset(desk: Desk, join: Join) -> None:
    (peer,) = await join("peer")
    run = desk.run(MODEL, "peer")
    task = await peer.task()
    for offset in (0, 1000):
        request = pb.ModelRequest(sender=peer.sender, id=task.model.id, offset=offset)
        responses = [one async for one in peer.models.Download(request, metadata=peer.metadata)]
        assert b"".join(one.data for one in responses) == task.model.data[offset:]
        assert (responses[0].status, responses[0].total_size, responses[0].offset) == (
            pb.IN_PROGRESS,
            task.model.size,
            offset,
        )
        assert (responses[-1].status, responses[-1].data) == (pb.OK, b"")
    missing = [one async for one in peer.models.Download(pb.ModelRequest(id="none"), metadata=peer.metadata)]
    assert [(one.status, one.message) for one in missing] == [(pb.FAILED, "no model none at this combiner")]
    run.call.cancel()
