"""Models straight from the store: who gives the bytes out, and what becomes of a round when the store doesn't."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import grpc
import numpy as np
import pytest
import pytest_asyncio
from byhand import begun
from loopback import Federation
from proxy import Proxy
from servers import S3Server, free_port, running
from waiting import DEADLINE

from fedn import log
from fedn.combiner import sources
from fedn.core.model import Presigned
from fedn.errors import Forbidden
from fedn.proto import fedn_pb2 as pb
from fedn.rpc.direct import fetch
from fedn.rpc.http import Http, connect
from fedn.security.join import JoinString
from fedn.stores.documents import Event, Model

if sys.version_info < (3, 11):
    pytest.skip("the S3 server of the tests needs Python 3.11", allow_module_level=True)

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODEL = {"a": np.arange(500_000, dtype=np.float32)}
"""Above what travels inside of messages."""
BYTES = 2_000_000


class Counted(Federation):
    """One whose combiners speak to the reducer over a line that counts."""

    line: Proxy

    async def start_reducer(self) -> None:
        await super().start_reducer()
        self.line = await Proxy(self.port).__aenter__()

    async def stop_reducer(self) -> None:
        await self.line.__aexit__()
        await super().stop_reducer()

    async def http(self, role: str, token: str = "") -> Http:
        if role != "combiner":
            return await super().http(role, token)
        found = JoinString.parse(self.join(role))
        return await asyncio.to_thread(connect, replace(found, port=self.line.port))


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running(S3Server(tmp_path_factory.mktemp("s3"))) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> AsyncIterator[Counted]:
    """A reducer with a model, for combiners that each test adds."""
    folder = tmp_path_factory.mktemp("federation")
    async with Counted(folder, combiners=0, network_id="direct", storage=s3_server.settings(direct=True)) as network:
        await network.seed(MODEL)
        yield network


@pytest.mark.parametrize("direct", [True, False])
async def test_the_reducer_gives_out_no_model_where_the_store_does(
    direct: bool, tmp_path: Path, s3_server: S3Server
) -> None:
    settings = s3_server.settings(direct=direct)
    async with Counted(tmp_path, combiners=2, network_id=f"counted-{direct}", storage=settings) as network:
        await network.seed(MODEL)
        for number in range(2):
            await network.add_client(f"client-{number}", combiner=f"c{number}")
        assert set(network.live().values()) == {"c0", "c1"}
        before = network.line.passed
        session = await network.session(rounds=2, clients_required=2)
        assert (session.state, session.rounds_done) == ("finished", 2)
        given = network.line.passed - before
        models = 3  # of each round, and the last to be validated
        assert given == 0 if direct else given > 2 * models * BYTES
        newest = await network.model()
        np.testing.assert_array_equal(newest["a"], MODEL["a"] + 2)
        assert not said(network)


def said(network: Federation) -> list[Event]:
    """What combiners have to say, oldest first."""
    return [one for one in network.operator.events() if one.kind == "combiner_status"][::-1]


Make = Callable[[Federation, str], Awaitable[Presigned]]


def sign(network: Federation, key: str, *, seconds: float) -> Presigned:
    found = network.services.artifacts.presign("fedn-models", key, seconds=seconds)
    assert found is not None
    return found


async def good(network: Federation, model_id: str) -> Presigned:
    return await asyncio.to_thread(sign, network, model_id, seconds=60)


async def out_of_reach(network: Federation, model_id: str) -> Presigned:
    source = await good(network, model_id)
    settings = network.services.settings.storage
    return Presigned(source.url.replace(f":{settings.port}/", f":{free_port()}/"))  # type: ignore[union-attr]


async def run_out(network: Federation, model_id: str) -> Presigned:
    source = await asyncio.to_thread(sign, network, model_id, seconds=1)
    file = network.services.trail.start(model_id).file

    def wait() -> None:
        deadline = time.monotonic() + DEADLINE
        with pytest.raises(Forbidden):
            while time.monotonic() < deadline:  # each asks anew, until the second is over
                fetch(source, network.folder / "tried", file, seconds=DEADLINE)

    await asyncio.to_thread(wait)
    return source


async def other_bytes(network: Federation, model_id: str) -> Presigned:
    """A file of the same size that is another."""
    content = bytearray(await network.file(model_id))
    content[len(content) // 2] ^= 1
    await asyncio.to_thread(network.services.artifacts.put, "fedn-models", "other", bytes(content))
    return await asyncio.to_thread(sign, network, "other", seconds=60)


async def longer(network: Federation, model_id: str) -> Presigned:
    content = await network.file(model_id) + b"more"
    await asyncio.to_thread(network.services.artifacts.put, "fedn-models", "longer", content)
    return await asyncio.to_thread(sign, network, "longer", seconds=60)


FAULTS: dict[str, tuple[Make, str]] = {
    "out of reach": (out_of_reach, "no answer from http://127.0.0.1:"),
    "run out": (run_out, "refuses the URL: 403 "),
    "other bytes": (other_bytes, "changed on the way"),
    "longer": (longer, "more of .* than its"),
}


async def run(network: Federation, combiner: str, model: Model, source: Presigned) -> bytes:
    """A round at a combiner, with a client by hand; the model as that is given it."""
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(network.desk(combiner))
        peer = await stack.enter_async_context(network.peer("ada", combiner=combiner))
        await peer.connect()
        run = desk.run(model, "ada", direct=source)
        await begun(run, peer)
        request = pb.ModelRequest(sender=peer.sender, id=model.id)
        call = peer.models.Download(request, metadata=peer.metadata)
        content = b"".join([response.data async for response in call])
        await peer.send(run.id, MODEL)
        assert (await run.result()).HasField("partial")
        return content


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_reducer_has_the_model_where_the_store_fails(network: Counted, fault: str) -> None:
    make, words = FAULTS[fault]
    model = (await network.trail())[-1]
    source, content = await make(network, model.id), await network.file()
    name = f"c-{fault.replace(' ', '-')}"
    await network.add_combiner(name)
    before, told = network.line.passed, len(said(network))
    written = network.folder / f"{name}.log"
    log.configure("DEBUG", "text", str(written), role="combiner")
    assert await run(network, name, model, source) == content
    assert network.line.passed - before > BYTES
    await network.until(lambda: len(said(network)) > told)
    (event,) = said(network)[told:]
    assert (event.level, event.source) == ("warning", f"combiner {name}")
    assert re.search(words, event.message)
    lines = written.read_text()
    assert lines.count(" WARNING ") == 1
    assert event.message in lines
    assert source.url.partition("X-Amz-Signature=")[2] not in event.message + lines


async def test_a_store_that_failed_is_left_alone_for_a_while(
    network: Counted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await network.add_combiner("c-patient")
    first, second, third = [await network.seed({"a": MODEL["a"] + number}) for number in (1, 2, 3)]
    told = len(said(network))
    await run(network, "c-patient", first, await out_of_reach(network, first.id))
    before = network.line.passed
    await run(network, "c-patient", second, await good(network, second.id))  # so soon it isn't tried
    assert network.line.passed - before > BYTES
    monkeypatch.setattr(sources, "AGAIN_SECONDS", 0.0)
    before = network.line.passed
    await run(network, "c-patient", third, await good(network, third.id))
    assert network.line.passed == before
    await network.until(lambda: len(said(network)) > told + 1)
    assert [event.level for event in said(network)[told:]] == ["warning", "info"]


async def test_no_round_begins_with_a_model_that_is_another_wherever_it_comes_from(network: Counted) -> None:
    await network.add_combiner("c-wary")
    model = await network.seed(MODEL)
    content = bytearray(await network.file(model.id))
    content[len(content) // 2] ^= 1
    await asyncio.to_thread(network.services.artifacts.put, "fedn-models", model.id, bytes(content))
    async with network.desk("c-wary") as desk:
        for source in (await good(network, model.id), None):
            with pytest.raises(grpc.aio.AioRpcError, match="changed on the way"):
                await desk.run(model, "ada", direct=source).result()
            assert not network.spooled("c-wary")


async def test_no_client_speaks_as_a_combiner(network: Counted) -> None:
    await network.add_combiner("c-spoken-for")
    told = len(said(network))
    async with network.peer("ada", combiner="c-spoken-for") as peer:
        await peer.connect()
        status = pb.Status(sender=pb.Client(name="ada", role=pb.COMBINER), status="all is well")
        await peer.connector.SendStatus(status, metadata=peer.metadata)
    await network.until(lambda: any(one.message == "all is well" for one in network.operator.events()))
    assert len(said(network)) == told
