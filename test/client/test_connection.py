"""A client at a combiner: its tasks, and how it holds on through cuts of the network."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from byhand import Desk
from loopback import Federation, mean, plus_one
from proxy import Proxy
from waiting import DEADLINE, within

from fedn.client.assignment import Assignment
from fedn.client.connection import Connection
from fedn.client.functions import FunctionWork
from fedn.client.work import Job, Outcome, Work
from fedn.core import weights as w
from fedn.core.aggregation import from_bytes, from_file
from fedn.core.model import TaskKind
from fedn.errors import Forbidden, NameInUse
from fedn.proto import fedn_pb2 as pb
from fedn.rpc.channel import dial_async

MODEL = {"a": np.zeros(3, np.float32)}


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Federation]:
    async with Federation(tmp_path, combiner={"rejoin_seconds": 600, "inline_bytes": 1000}) as federation:
        yield federation


@pytest.fixture
async def desk(network: Federation) -> AsyncIterator[Desk]:
    async with network.desk() as desk:
        yield desk


@pytest.fixture
async def proxy(network: Federation) -> AsyncIterator[Proxy]:
    async with Proxy(network.combiners["c0"].port) as proxy:
        yield proxy


def functions(train: Callable[..., Any] = plus_one) -> FunctionWork:
    return FunctionWork({TaskKind.TRAIN: train, TaskKind.VALIDATE: mean, TaskKind.PREDICT: mean})


@asynccontextmanager
async def serving(
    network: Federation, work: Work, *, name: str = "client", port: int = 0, token: str | None = None
) -> AsyncIterator[asyncio.Task[pb.Goodbye]]:
    """A client at c0, within the block; its task ends with what the combiner said at last."""
    if token is None:
        token = network.services.tokens.for_client(name, combiner="c0", parent="")
    port = port or network.combiners["c0"].port
    folder = network.folder / f"models of {name}"
    folder.mkdir(exist_ok=True)
    async with dial_async("localhost", port, ca_pem=network.services.authority.certificate_pem) as channel:
        assignment = Assignment("c0", "localhost", port, token, "")
        connection = Connection(assignment, channel, name=name, instance="process", work=work, folder=folder)
        task = asyncio.create_task(connection.serve())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait([task])
            assert not list(folder.iterdir())


async def seen(desk: Desk, name: str, *changes: bool) -> None:
    """Wait until a combiner has seen a client come (true) and go (false) in this order."""
    watch = desk.rounds.Watch(pb.WatchRequest(), metadata=desk.metadata)
    for change in changes:
        while not any(one.name == name and one.connected == change for one in (await within(watch.read())).clients):
            pass
    watch.cancel()


async def test_tasks_of_all_kinds_are_done(network: Federation, desk: Desk) -> None:
    async with serving(network, functions()):
        await seen(desk, "client", True)
        train = desk.run(MODEL, "client")
        np.testing.assert_array_equal(from_bytes((await train.result()).partial.data).mean()["a"], [1, 1, 1])
        assert {"fetch_model", "processing_time"} <= set(train.progress["client"].seconds)
        for kind in (TaskKind.VALIDATE, TaskKind.PREDICT):
            run = desk.run(MODEL, "client", kind=kind)
            await run.result()
            assert run.progress["client"].data == '{"mean": 0.0}'


async def test_large_models_travel_as_files_and_leave_none_behind(network: Federation, desk: Desk) -> None:
    model = {"a": np.arange(2**21, dtype=np.float32)}  # 8 MiB
    seed = await network.seed(model)
    async with serving(network, functions()):
        await seen(desk, "client", True)
        run = desk.run(seed, "client")
        result = await run.result()
        assert run.progress["client"].bytes == len(w.to_bytes(model))
        assert "upload_model" in run.progress["client"].seconds
        assert not result.partial.data
        target = network.folder / "partial"
        pieces = [
            one async for one in desk.models.Download(pb.ModelRequest(id=result.partial.id), metadata=desk.metadata)
        ]
        target.write_bytes(b"".join(one.data for one in pieces))
        np.testing.assert_array_equal(from_file(target).mean()["a"], model["a"] + 1)
        assert len(network.spooled()) == 1  # the model; the partial is gone once it was fetched


async def test_a_client_that_loses_its_stream_in_training_comes_back_and_delivers(
    network: Federation, desk: Desk, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedn.client.connection.PATIENCE_SECONDS", 1.0)
    begun, end = threading.Event(), threading.Event()
    calls = 0

    def train(model: Any) -> Any:
        nonlocal calls
        calls += 1
        begun.set()
        end.wait(DEADLINE)
        return plus_one(model)

    async with serving(network, functions(train), port=proxy.port) as client:
        await seen(desk, "client", True)
        run = desk.run(MODEL, "client", seconds=600)
        await asyncio.to_thread(begun.wait, DEADLINE)
        # What was quiet for longer than the client's patience is no loss yet.
        await asyncio.sleep(1.1)
        watching = asyncio.create_task(seen(desk, "client", True, False, True))
        await asyncio.sleep(0)
        await seen(desk, "client", True)
        proxy.cut()
        await watching
        end.set()
        assert from_bytes((await run.result()).partial.data).count == 1
        assert run.states() == {"client": "ANSWERED"}
        assert calls == 1
        assert not client.done()


async def test_a_combiner_that_is_gone_is_given_up(
    network: Federation, desk: Desk, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedn.client.connection.PATIENCE_SECONDS", 0.2)
    async with serving(network, functions(), port=proxy.port) as client:
        await seen(desk, "client", True)
        proxy.open.clear()
        proxy.cut()
        goodbye = await within(client)
        assert goodbye.reassign
        assert "is lost" in goodbye.reason


async def test_a_namesake_that_lives_is_an_error(network: Federation, desk: Desk) -> None:
    async with network.peer("client") as other:
        await other.connect("another process")
        async with serving(network, functions()) as client:
            with pytest.raises(NameInUse, match="a client named 'client' is connected already"):
                await within(client)


async def test_a_token_for_another_name_is_an_error(network: Federation) -> None:
    token = network.services.tokens.for_client("another", combiner="c0", parent="")
    async with serving(network, functions(), token=token) as client:
        with pytest.raises(Forbidden, match="the token is for 'another', not for 'client'"):
            await within(client)


async def test_a_token_that_is_no_good_sends_the_client_for_another(network: Federation) -> None:
    token = network.services.tokens.for_client("client", combiner="elsewhere", parent="")
    async with serving(network, functions(), token=token) as client:
        goodbye = await within(client)
        assert goodbye.reassign
        assert "the token is for combiner elsewhere" in goodbye.reason


async def test_what_goes_wrong_is_reported(network: Federation, desk: Desk) -> None:
    results = iter([RuntimeError("no data"), {"a": "text"}, {"a": np.zeros(4, np.float32)}, {"b": np.zeros(3)}])
    reasons = [
        ("BROKEN", "the train function raised RuntimeError: no data"),
        ("BROKEN", "'a'"),
        ("REJECTED", "array 'a' has shape (4,), the model's has (3,)"),
        ("REJECTED", "array 'a' is missing"),
    ]

    def train(_: Any) -> Any:
        result = next(results)
        if isinstance(result, Exception):
            raise result
        return result

    async with serving(network, functions(train)):
        await seen(desk, "client", True)
        for state, reason in reasons:
            run = desk.run(MODEL, "client")
            assert not (await run.result()).HasField("partial")
            assert run.states() == {"client": state}
            assert reason in run.progress["client"].detail


class Faulty:
    """Work with a fault of its own."""

    needs_package = False

    async def do(self, job: Job) -> Outcome:
        raise ZeroDivisionError

    async def close(self) -> None:
        pass


async def test_a_fault_of_the_software_is_reported_too(network: Federation, desk: Desk) -> None:
    async with serving(network, Faulty()):
        await seen(desk, "client", True)
        run = desk.run(MODEL, "client", seconds=600)
        await run.result()
        assert run.states() == {"client": "BROKEN"}
        assert "the client's software failed" in run.progress["client"].detail


async def test_one_that_hangs_ends_with_the_round(
    network: Federation, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedn.client.tasks.QUIET_SECONDS", 0.0)
    end = threading.Event()
    stopped = asyncio.Event()

    class Hanging(Faulty):
        async def do(self, job: Job) -> Outcome:
            try:
                await asyncio.to_thread(end.wait, DEADLINE)
            except asyncio.CancelledError:
                stopped.set()
                raise
            return Outcome(content=w.to_bytes(MODEL))

    async with serving(network, Hanging()):
        await seen(desk, "client", True)
        run = desk.run(MODEL, "client", seconds=0.5)
        await run.until("client", pb.WORKING)
        assert not (await run.result()).HasField("partial")
        assert run.states() == {"client": "LATE"}
        await within(stopped.wait())
        end.set()
        following = desk.run(MODEL, "client")
        assert from_bytes((await following.result()).partial.data).count == 1


async def test_clients_of_one_process_work_side_by_side(network: Federation, desk: Desk) -> None:
    meet = threading.Barrier(3)

    def train(model: Any) -> Any:
        meet.wait(DEADLINE)
        return plus_one(model)

    async with (
        serving(network, functions(train), name="one"),
        serving(network, functions(train), name="two"),
        serving(network, functions(train), name="three"),
    ):
        for name in ("one", "two", "three"):
            await seen(desk, name, True)
        run = desk.run(MODEL, "one", "two", "three")
        assert from_bytes((await run.result()).partial.data).count == 3


async def test_a_client_beats_as_often_as_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fedn.combiner.control_service.WATCH_SECONDS", 0.05)
    async with (
        Federation(tmp_path, combiner={"heartbeat_seconds": 0.05}) as network,
        network.desk() as desk,
        serving(network, functions()),
    ):
        watch = desk.rounds.Watch(pb.WatchRequest(), metadata=desk.metadata)
        began = time.monotonic()
        while not any(one.memory_bytes for one in (await within(watch.read())).clients):
            assert time.monotonic() - began < DEADLINE
        watch.cancel()
