"""Getting models and answers across a network that is cut."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from byhand import Desk, Peer
from loopback import Federation
from proxy import Proxy
from waiting import within

from fedn.client.delivery import Delivery
from fedn.core import weights as w
from fedn.core.aggregation import from_bytes
from fedn.core.model import Answer, File
from fedn.errors import DeadlineExceeded, EntryPointFailed, Forbidden, TooLarge
from fedn.proto import fedn_pb2 as pb
from fedn.security.digest import sha256_bytes

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 1 << 20
LARGE = w.to_bytes({"a": np.random.default_rng(1).standard_normal(2 * MIB)})  # 16 MiB
SMALL = {"a": np.arange(3, dtype=np.float32)}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Federation]:
    settings = {"spool_bytes": 40 * MIB, "inline_bytes": 1000}
    async with Federation(tmp_path_factory.mktemp("federation"), combiner=settings) as federation:
        yield federation


@pytest_asyncio.fixture(loop_scope="module")
async def proxy(network: Federation) -> AsyncIterator[Proxy]:
    async with Proxy(network.combiners["c0"].port) as proxy:
        yield proxy


@pytest_asyncio.fixture(loop_scope="module")
async def peer(network: Federation, proxy: Proxy) -> AsyncIterator[Peer]:
    """The client's connection across the proxy."""
    async with network.peer("client", port=proxy.port) as peer:
        yield peer


@pytest_asyncio.fixture(loop_scope="module")
async def delivery(peer: Peer) -> Delivery:
    return Delivery(peer.channel, name="client", metadata=peer.metadata, peer="combiner c0")


@pytest_asyncio.fixture(loop_scope="module")
async def desk(network: Federation) -> AsyncIterator[Desk]:
    async with network.desk() as desk:
        yield desk


def soon(seconds: float = 20.0) -> float:
    return asyncio.get_running_loop().time() + seconds


def large_file(folder: Path) -> tuple[File, Path]:
    path = folder / "update"
    path.write_bytes(LARGE)
    return File("large", len(LARGE), sha256_bytes(LARGE)), path


async def test_an_upload_that_was_cut_goes_on_where_it_stopped(
    network: Federation, proxy: Proxy, peer: Peer, delivery: Delivery, tmp_path: Path
) -> None:
    file, path = await asyncio.to_thread(large_file, tmp_path)
    proxy.cut_after = 12 * MIB
    await within(delivery.upload(file, path, until=soon()))
    held = await peer.held("large")
    assert (held.status, held.offset, held.sha256) == (pb.OK, file.size, file.sha256)
    # What was under way is lost, and no more: from the start again it would have been 28 MiB.
    assert proxy.cut_after is None
    assert proxy.passed < 27 * MIB
    before = proxy.passed
    await within(delivery.upload(file, path, until=soon()))  # all of it is there
    assert proxy.passed - before < MIB
    assert (await peer.send_uploaded("no round", "large")).fate == pb.DISCARDED
    assert not network.spooled()


async def test_an_upload_of_other_content_is_sent_anew(
    network: Federation, peer: Peer, delivery: Delivery, tmp_path: Path
) -> None:
    file, path = await asyncio.to_thread(large_file, tmp_path)
    head = pb.ModelRequest(
        sender=peer.sender, id="large", status=pb.IN_PROGRESS, total_size=file.size, sha256=file.sha256
    )
    wrong = pb.ModelRequest(id="large", status=pb.IN_PROGRESS, data=b"not what was announced")
    await within(peer.models.Upload(iter([head, wrong]), metadata=peer.metadata))  # and breaks off
    assert (await peer.held("large")).offset == len(wrong.data)
    await within(delivery.upload(file, path, until=soon()))
    assert (await peer.held("large")).status == pb.OK
    await peer.send_uploaded("no round", "large")
    assert not network.spooled()


async def test_an_upload_that_there_is_no_room_for_fails_at_once(delivery: Delivery, tmp_path: Path) -> None:
    path = tmp_path / "update"
    path.write_bytes(b"x")
    with pytest.raises(TooLarge, match="this combiner has room for"):
        await within(delivery.upload(File("huge", 41 * MIB, ""), path, until=soon()))


async def test_a_download_that_was_cut_goes_on_where_it_stopped(
    network: Federation, desk: Desk, proxy: Proxy, delivery: Delivery, tmp_path: Path
) -> None:
    run = desk.run(await network.seed(w.read(LARGE)))
    await run.result()
    target = tmp_path / "model"
    proxy.cut_after = 12 * MIB
    await within(delivery.fetch(run.plan.model, target, until=soon()))
    assert sha256_bytes(await asyncio.to_thread(target.read_bytes)) == run.plan.model.sha256
    assert proxy.cut_after is None
    assert proxy.passed < 27 * MIB


async def test_a_download_of_other_content_is_not_kept(desk: Desk, delivery: Delivery, tmp_path: Path) -> None:
    run = desk.run(SMALL)
    await run.result()
    target = tmp_path / "model"
    wrong = File(run.plan.model.id, run.plan.model.size, "0" * 64)
    with pytest.raises(DeadlineExceeded, match="changed on the way"):
        await within(delivery.fetch(wrong, target, until=soon(0.2)))
    assert not target.exists()


async def test_an_answer_whose_receipt_was_lost_counts_once(
    network: Federation, desk: Desk, proxy: Proxy, peer: Peer, delivery: Delivery
) -> None:
    async with network.peer("client") as near:
        await near.connect()
        run = desk.run(SMALL, "client")
        await near.task()
        await peer.held("any")  # the connection across the proxy is up
        proxy.mute = True
        content = w.to_bytes(SMALL)
        answer = Answer("client", run.id, examples=5, update=File("u", len(content), sha256_bytes(content)))
        sending = asyncio.create_task(
            delivery.send_update(answer, model_id=run.plan.model.id, content=content, until=soon())
        )
        result = await run.result()
        proxy.mute = False
        proxy.cut()
        assert (await within(sending)).fate == pb.ACCEPTED
        partial = from_bytes(result.partial.data)
        assert (partial.count, partial.weight) == (1, 5.0)


async def test_trying_again_ends_with_the_task(proxy: Proxy, delivery: Delivery) -> None:
    proxy.open.clear()
    proxy.cut()
    with pytest.raises(DeadlineExceeded, match="validation: combiner c0 can't be reached"):
        await within(delivery.send_validation(Answer("client", "task", data="{}"), model_id="m", until=soon(0.2)))
    status = pb.Status(sender=pb.Client(name="client"))
    await within(delivery.send_status(status))  # no loss that anyone is told of
    await within(delivery.send_heartbeat(pb.Heartbeat(), timeout=1.0))


async def test_what_trying_again_can_not_help_is_said_at_once(peer: Peer) -> None:
    other = Delivery(peer.channel, name="another", metadata=peer.metadata, peer="combiner c0")
    began = time.monotonic()
    with pytest.raises(Forbidden, match="the token is for 'client', not for 'another'"):
        await within(other.send_failure("task", EntryPointFailed("it broke"), output="", until=soon(3600)))
    assert time.monotonic() - began < 3600
