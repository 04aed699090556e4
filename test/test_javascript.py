"""The client in JavaScript, as a process of its own, in a real federation."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loopback import Federation
from processes import Process
from proxy import Proxy
from waiting import within

from fedn.proto import fedn_pb2 as pb
from fedn.security import certificates
from fedn.security.join import JoinString
from fedn.security.tls import Authority
from fedn.stores.documents import Combiner, Model

CLIENT = Path(__file__).parent / "javascript"
FEW, MANY = 8, 60_000  # features; so many are over a mebibyte as text
ROWS = 4  # for each feature, as in regression.js

Start = Callable[..., Awaitable[Process]]


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Federation]:
    async with Federation(tmp_path) as federation:
        yield federation


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts a client in JavaScript, which ends with the test."""
    assert shutil.which("node"), "these tests need node 20"
    assert (CLIENT / "node_modules/@grpc/grpc-js").is_dir(), "run `npm --prefix test/javascript install` first"
    async with AsyncExitStack() as stack:

        async def start(network: Federation, name: str, *, join: str = "", seed: int = 1) -> Process:
            file = network.folder / f"join-{name}"
            file.write_text(join or network.join("client"))
            command = ("node", str(CLIENT / "client.js"), "--join-file", str(file), "--name", name, "--seed", str(seed))
            process = Process(
                await asyncio.create_subprocess_exec(
                    *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
                )
            )
            stack.push_async_callback(process.stop)
            return process

        yield start


async def seed(network: Federation, features: int) -> Model:
    """Zeros, as text."""
    file = network.folder / "seed.txt"
    np.savetxt(file, np.zeros(features))
    return await asyncio.to_thread(network.operator.seed_model, file)


async def joined(network: Federation, *names: str) -> None:
    """Wait until the reducer knows of these clients."""
    await network.until(lambda: network.live().keys() >= set(names))


def keep(model: list[np.ndarray]) -> tuple[list[np.ndarray], int]:
    """Learns nothing, and weighs as much as a client in JavaScript: what the model gains is from the other one."""
    return model, ROWS * model[0].size


def distance(model: list[np.ndarray]) -> dict[str, float]:
    return {"distance": float(np.abs(model[0] - np.sin(np.arange(model[0].size))).max())}


@pytest.mark.parametrize(("features", "rounds"), [(FEW, 6), (MANY, 3)], ids=["inside-the-messages", "as-transfers"])
async def test_it_trains_beside_a_python_client(network: Federation, start: Start, features: int, rounds: int) -> None:
    await seed(network, features)
    client = await start(network, "js")
    await client.says("connected to combiner c0")
    await network.add_client("py", train=keep, validate=distance)
    await joined(network, "js")
    session = await network.session(rounds=rounds, clients_required=2, validate=True, round_timeout=60)
    assert (session.state, session.rounds_done) == ("finished", rounds), session.error
    trail = [await asyncio.to_thread(network.operator.model, model.id) for model in (await network.trail())[1:]]
    for model in trail:
        assert [(one["client"], one["examples"]) for one in model.updates] == [
            ("js", ROWS * features),
            ("py", ROWS * features),
        ]
        assert (model.updates[0]["bytes"] > 2**20) == (features == MANY)
    losses = [model.metrics["loss"] for model in trail]
    assert losses == sorted(losses, reverse=True)
    # Each round the mean goes half of the way that the client in JavaScript goes.
    truth = np.sin(np.arange(features))
    newest = await network.model()
    assert np.linalg.norm(newest["0"] - truth) < 1.2 * 0.5**rounds * np.linalg.norm(truth)
    await client.says(f"round {rounds}: VALIDATE ACCEPTED")


@pytest.mark.parametrize("way", [0.5, 1.5], ids=["download", "upload"])
async def test_a_transfer_that_is_cut_goes_on(tmp_path: Path, start: Start, way: float) -> None:
    async with AsyncExitStack() as stack:
        network = await stack.enter_async_context(Federation(tmp_path, combiner={"rejoin_seconds": 30.0}))
        proxy = await stack.enter_async_context(Proxy(network.combiners["c0"].port))
        there = Combiner(id="c0", host="localhost", port=proxy.port, max_clients=1, joined_at=0.0)
        network.services.network.register(there)
        network.services.links.watch("c0")
        await network.connected("c0")
        model = await seed(network, MANY)
        client = await start(network, "js")
        await client.says("connected to combiner c0")
        proxy.cut_after = proxy.passed + int(way * model.size)
        desk = await stack.enter_async_context(network.desk())
        run = desk.run(model, "js", seconds=60.0)
        await run.result()
        assert run.states() == {"js": "ANSWERED"}
        assert proxy.cut_after is None
        await client.says("no connection to combiner c0: ")


async def test_it_comes_back_to_a_combiner_that_crashed(tmp_path: Path, start: Start) -> None:
    async with Federation(tmp_path, combiners=0) as network, AsyncExitStack() as stack:
        await seed(network, FEW)
        former = await network.combiner_process("c0")
        stack.push_async_callback(former.stop)
        client = await start(network, "js")
        await client.says("connected to combiner c0")
        await joined(network, "js")
        (combiner,) = network.operator.combiners()
        session = await network.start_session(rounds=20, attempts=5, round_timeout=60)
        await client.says("round 2: TRAIN ACCEPTED")
        await former.kill()
        await client.says("no connection to combiner c0: ")
        newer = await network.combiner_process("c0", "--port", str(combiner["port"]))
        stack.push_async_callback(newer.stop)
        ended = await network.end_of(session)
        assert (ended.state, ended.rounds_done) == ("finished", 20), ended.error


async def test_it_goes_where_the_reducer_sends_it(tmp_path: Path, start: Start) -> None:
    async with Federation(tmp_path, combiners=0) as network, AsyncExitStack() as stack:
        await seed(network, FEW)
        first = await network.combiner_process("c0")
        stack.push_async_callback(first.stop)
        client = await start(network, "js")
        await client.says("connected to combiner c0")
        await network.add_combiner("c1")
        first.terminate()
        await client.says("combiner c0 parted: this combiner is going down")
        await client.says("connected to combiner c1")
        await network.until(lambda: network.live() == {"js": "c1"})
        assert (await network.session(rounds=1)).state == "finished"


async def test_it_breaks_off_what_is_not_wanted_any_more(network: Federation, start: Start) -> None:
    await seed(network, FEW)
    client = await start(network, "js")
    await client.says("connected to combiner c0")
    await joined(network, "js")
    endless = await network.start_session(parameters={"epochs": 1_000_000_000})
    await client.says("round 1: TRAIN begun")
    await asyncio.to_thread(network.operator.stop_session, endless.id)
    await client.says("round 1: TRAIN broken off")
    assert (await network.end_of(endless)).state == "stopped"
    assert (await network.session(rounds=1)).state == "finished"


async def test_a_task_that_fails_is_reported(network: Federation, start: Start) -> None:
    await network.seed({"a": np.zeros(3, np.float32)})  # not as text
    client = await start(network, "js")
    await client.says("connected to combiner c0")
    await joined(network, "js")
    session = await network.session(rounds=1, attempts=1)
    assert session.state == "failed"
    assert "the model is not text with a number a line" in session.error


async def test_its_heartbeats_are_heard(tmp_path: Path, start: Start) -> None:
    async with Federation(tmp_path, combiner={"heartbeat_seconds": 0.1}) as network, network.desk() as desk:
        client = await start(network, "js")
        await client.says("connected to combiner c0")
        watch = desk.rounds.Watch(pb.WatchRequest(), metadata=desk.metadata)
        while not any(one.memory_bytes for one in (await within(watch.read())).clients):
            continue
        watch.cancel()


async def test_a_second_one_of_its_name_ends(network: Federation, start: Start) -> None:
    client = await start(network, "js")
    await client.says("connected to combiner c0")
    await joined(network, "js")
    namesake = await start(network, "js")
    await namesake.says("error: a client named 'js' is connected already")
    assert await namesake.ended() == 1


def forged(join: JoinString) -> JoinString:
    head, claims, signature = join.token.split(".")
    return JoinString(join.host, join.port, join.fingerprint, f"{head}.{claims}.{signature[::-1]}")


def misled(join: JoinString) -> JoinString:
    return JoinString(join.host, join.port, "0" * 64, join.token)


@pytest.mark.parametrize(
    ("change", "reason"),
    [(forged, "token"), (misled, "has another CA than the join string names")],
    ids=["bad-token", "other-ca"],
)
async def test_it_ends_where_it_is_not_let_in(
    network: Federation, start: Start, change: Callable[[JoinString], JoinString], reason: str
) -> None:
    client = await start(network, "js", join=str(change(JoinString.parse(network.join("client")))))
    await client.says(f"error: .*{reason}")
    assert await client.ended() == 1


async def test_a_certificate_behind_the_ca_is_not_trusted(network: Federation, start: Start, tmp_path: Path) -> None:
    """Someone in between hands out the network's CA, with one of their own after it."""
    theirs, key = Authority.open(tmp_path / "theirs", now=time.time()), certificates.new_key()
    chain = tmp_path / "chain.pem"
    certificate = theirs.issue(["localhost"], public_key=key.public_key(), now=time.time())
    chain.write_bytes(certificates.key_to_pem(key) + certificate)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain)
    both = network.services.authority.certificate_pem + theirs.certificate_pem
    heard = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(both), both))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "localhost", 0, ssl=context)
    async with server:
        join = JoinString.parse(network.join("client"))
        port = server.sockets[0].getsockname()[1]
        client = await start(network, "js", join=str(replace(join, host="localhost", port=port)))
        await client.says("error: .*certificate")
        assert await client.ended() == 1
    assert [request.split()[1] for request in heard] == [b"/api/v1/ca"]


async def test_it_ends_when_its_token_is_revoked(network: Federation, start: Start) -> None:
    made: dict[str, Any] = await asyncio.to_thread(lambda: network.operator.create_token("client", days=1, name="js"))
    client = await start(network, "js", join=made["join"])
    await joined(network, "js")
    await asyncio.to_thread(network.operator.revoke_token, made["id"])
    await client.says("error: the token was revoked")
    assert await client.ended() == 1
