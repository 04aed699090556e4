"""Stores that are servers of their own: they crash and come back, and reducers on them follow each other."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np
import pytest
import yaml
from going import ROUNDS, Trainer, assert_gone_on
from loopback import Federation
from processes import Process
from servers import MongoServer, S3Server, free_port, running
from waiting import DEADLINE

from fedn.api import Reducer
from fedn.errors import Unavailable
from fedn.security.keyring import FILES
from fedn.security.tls import Authority


@pytest.fixture
def mongo_server(tmp_path: Path) -> Iterator[MongoServer]:
    with running(MongoServer(tmp_path / "mongo")) as server:
        yield server


@pytest.fixture
def s3_server(tmp_path: Path) -> Iterator[S3Server]:
    with running(S3Server(tmp_path / "s3")) as server:
        yield server


@pytest.fixture
def init(tmp_path: Path, mongo_server: MongoServer, s3_server: S3Server) -> Path:
    """A settings file with both servers in it."""
    mongo, s3 = mongo_server.settings(), s3_server.settings()
    storage = {
        "storage_hostname": s3.hostname,
        "storage_port": s3.port,
        "storage_access_key": s3.access_key,
        "storage_secret_key": s3.secret_key,
        "storage_secure_mode": False,
        "storage_timeout": 1,
    }
    path = tmp_path / "reducer.yaml"
    path.write_text(
        yaml.safe_dump(
            {
                "statestore": {
                    "type": "MongoDB",
                    "mongo_config": {"host": mongo.host, "port": mongo.port, "timeout": 1},
                },
                "storage": {"storage_type": "S3", "storage_config": storage},
            }
        )
    )
    return path


class Stored(Federation):
    """A federation whose reducer is a process with its stores elsewhere."""

    def __init__(self, folder: Path, *, init: Path) -> None:
        super().__init__(folder, process=True)
        self.port = free_port()
        self._init = init

    @property
    def words(self) -> tuple[str, ...]:
        return ("--host", "127.0.0.1", "--port", str(self.port), "--init", str(self._init))

    async def start_reducer(self) -> None:
        self.process = await Process.start("reducer", *self.words, data_dir=self.folder)
        await self.process.says("listens on")
        await self.connect()

    async def connect(self) -> None:
        self.operator = await asyncio.to_thread(Reducer.connect, data_dir=self.folder)
        self.web = await self.http("operator")
        self._stack.callback(self.operator.close)
        self._stack.callback(self.web.close)

    async def another(self, folder: Path, *words: str, keys: bool = True) -> Process:
        """A second reducer on the same stores, at its own data folder."""
        for name in FILES if keys else ():
            (folder / "reducer").mkdir(parents=True, exist_ok=True)
            shutil.copy(self.folder / "reducer" / name, folder / "reducer" / name)
        return await Process.start("reducer", *self.words, *words, data_dir=folder)


@pytest.fixture
async def network(tmp_path: Path, init: Path) -> AsyncIterator[Stored]:
    federation = Stored(tmp_path / "data", init=init)
    async with federation:
        await federation.seed({"a": np.zeros(3, np.float32)})
        yield federation


@pytest.mark.parametrize("store", ["state store", "artifact store"])
async def test_a_session_waits_for_a_store_that_crashed_and_goes_on(
    network: Stored, mongo_server: MongoServer, s3_server: S3Server, store: str
) -> None:
    server = mongo_server if store == "state store" else s3_server
    trainer = Trainer()
    await network.add_client("one", train=trainer)
    session = await network.start_session(rounds=ROUNDS, validate=False)
    assert await asyncio.to_thread(trainer.begun.wait, DEADLINE)
    assert network.process is not None
    server.kill()
    trainer.go_on.set()
    await network.process.says(f"the {store} is out of reach")
    with pytest.raises(Unavailable, match=str(server.port)):
        await asyncio.to_thread(network.web.get, "/api/v1/ready")
    server.start()
    await network.process.says(rf"the {store} is back after \d")
    await network.end_of(session)
    await assert_gone_on(network, session.id)
    rounds = await asyncio.to_thread(network.operator.rounds, session.id)
    assert [one.attempt for one in rounds] == [1] * ROUNDS  # nothing was done twice
    (back,) = [one for one in await asyncio.to_thread(network.operator.events) if one.kind == "store_back"]
    assert store in back.message
    assert (await asyncio.to_thread(network.web.get, "/api/v1/ready"))["status"] == "ready"


async def test_a_session_can_be_stopped_while_the_artifact_store_is_away(network: Stored, s3_server: S3Server) -> None:
    trainer = Trainer()
    await network.add_client("one", train=trainer)
    session = await network.start_session(rounds=ROUNDS, validate=False)
    assert await asyncio.to_thread(trainer.begun.wait, DEADLINE)
    assert network.process is not None
    s3_server.kill()
    trainer.go_on.set()
    await network.process.says("the artifact store is out of reach")
    await asyncio.to_thread(network.operator.stop_session, session.id)
    ended = await network.end_of(session)
    assert (ended.state, ended.rounds_done) == ("stopped", 2)
    assert len(await network.trail()) == 3
    s3_server.start()


async def test_a_reducer_waits_at_its_start_for_stores(tmp_path: Path, init: Path, mongo_server: MongoServer) -> None:
    mongo_server.kill()
    process = await Process.start("reducer", "--port", "0", "--init", str(init), data_dir=tmp_path / "data")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(process.stop)
        await process.says("the state store is out of reach, and waited for")
        mongo_server.start()
        await process.says("the state store is back")
        await process.says("listens on")
    mongo_server.kill()
    process = await Process.start("reducer", "--port", "0", "--init", str(init), data_dir=tmp_path / "data")
    await process.says("out of reach")
    process.terminate()
    assert await process.ended() == 0
    mongo_server.start()


async def test_a_second_reducer_is_refused_and_one_on_standby_takes_over(network: Stored, tmp_path: Path) -> None:
    trainer = Trainer()
    await network.add_client("one", train=trainer)
    session = await network.start_session(rounds=ROUNDS, validate=False)
    assert await asyncio.to_thread(trainer.begun.wait, DEADLINE)
    assert network.process is not None
    second = await network.another(tmp_path / "second", "--host", "127.0.0.2", "--port", str(free_port()))
    await second.says(f"is led by .*process {network.process.pid}")
    assert await second.ended() == 7
    standby = await network.another(tmp_path / "second", "--standby")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(standby.stop)
        await standby.says(f"on standby: .*process {network.process.pid}")
        await network.process.kill()
        trainer.go_on.set()
        await standby.says("takes over")
        await standby.says("listens on")
        await network.connect()
        await network.end_of(session)
        await assert_gone_on(network, session.id)
        assert network.live() == {"one": "c0"}


async def test_a_reducer_whose_lead_went_to_another_ends_with_an_error(network: Stored, tmp_path: Path) -> None:
    first = network.process
    assert first is not None
    standby = await network.another(tmp_path / "second", "--standby", "--host", "127.0.0.2")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(standby.stop)
        await standby.says("on standby")
        os.kill(first.pid, signal.SIGSTOP)
        await standby.says("listens on")
        os.kill(first.pid, signal.SIGCONT)
        assert await first.ended() == 7
        await first.says("another reducer leads")


async def test_a_reducer_with_other_keys_is_refused(network: Stored, tmp_path: Path) -> None:
    where = ("--host", "127.0.0.2", "--port", str(free_port()))
    bare = await network.another(tmp_path / "bare", *where, keys=False)
    await bare.says(r"copy signing\.key, ca\.key and ca\.pem of the network's first reducer into .*bare/reducer")
    assert await bare.ended() == 3
    assert not [name for name in FILES if (tmp_path / "bare" / "reducer" / name).exists()]
    other = tmp_path / "other" / "reducer"
    Authority.open(other, now=time.time())
    shutil.copy(network.folder / "reducer" / "signing.key", other)
    foreign = await network.another(tmp_path / "other", *where, keys=False)
    await foreign.says("is not that of the network in the state store")
    assert await foreign.ended() == 3
