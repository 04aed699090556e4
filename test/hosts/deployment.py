"""The reference deployment on hosts of its own: services, a reducer, combiners, clients, and an operator's desk."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from hosts.machines import Host, Network, Port
from processes import Process
from waiting import within

from fedn.package.archive import build

FAR = {"seconds": 0.0125, "loss": 0.0025}
"""Of a host that isn't beside the reducer: 50 ms there and back between two of them, and one frame in 200 lost."""

PORTS = (
    Port("services", "10.77.0.10/24"),
    Port("reducer", "10.77.0.11/24"),
    Port("desk", "10.77.0.12/24", **FAR),
    Port("combiner-1", "10.77.0.21/24", **FAR),
    Port("combiner-2", "10.77.0.22/24", **FAR),
    Port("combiner-3", "10.77.0.23/24", **FAR),
    Port("ada", "10.77.0.31/24", **FAR),
    Port("ben", "10.77.0.32/24", **FAR),
    Port("router", "10.77.0.33/24", **FAR),
    Port("router", "192.168.77.1/24", network="home"),
    Port("cleo", "192.168.77.2/24", network="home"),
)
NAMES = {
    "reducer.example.org": "10.77.0.11",
    "combiner-1.example.org": "10.77.0.21",
    "combiner-3": "10.77.0.23",
}
SETTINGS = {
    "network_id": "hospitals",
    "names": ["reducer.example.org"],
    "statestore": {"type": "MongoDB", "mongo_config": {"host": "10.77.0.10", "port": 27017}},
    "storage": {
        "storage_type": "S3",
        "storage_config": {
            "storage_hostname": "10.77.0.10",
            "storage_access_key": "fedn",
            "storage_secret_key": "a secret of tests",
            "storage_secure_mode": False,
        },
    },
}
"""Of the reducer."""

TASKS = """
import json, os, sys
import numpy as np

source, target = sys.argv[1:]
model = dict(np.load(source))
if os.environ["FEDN_TASK"] == "train":
    with open(target, "wb") as file:
        np.savez(file, **{name: array + 1 for name, array in model.items()})
else:
    with open(target, "w") as file:
        json.dump({"mean": float(model["a"].mean())}, file)
"""
SERVED = """
import sys
from pymongo import MongoClient

MongoClient(sys.argv[1], 27017, serverSelectionTimeoutMS=60_000, directConnection=True).admin.command("hello")
"""


@dataclass(frozen=True)
class Deployment:
    """Hosts with a reducer and two combiners; clients are the tests' to start."""

    network: Network
    folder: Path
    join: str
    """Of an operator, with the reducer's host name in it."""
    joins: dict[str, str] = field(default_factory=dict)
    """Role → join string that the operator hands out."""

    def host(self, name: str) -> Host:
        return self.network[name]

    def data(self, host: str) -> tuple[str, str]:
        return "--data-dir", str(self.folder / host)

    def operate(self, *words: str) -> Any:
        """What a command with `--json` says to an operator at a desk elsewhere."""
        return json.loads(self.host("desk").fedn(*words, "--json", "--join", self.join).stdout)

    def token(self, role: str, *words: str) -> dict[str, str]:
        made: dict[str, str] = self.operate("token", "create", "--role", role, *words)
        return made

    def join_file(self, host: str, role: str) -> Path:
        """A join string for a host, as an operator sends it there."""
        file = self.folder / f"{host}.join"
        if role not in self.joins:
            self.joins[role] = self.token(role)["join"]
        file.write_text(self.joins[role])
        return file

    async def combiner(self, host: str, *words: str) -> Process:
        file = await asyncio.to_thread(self.join_file, host, "combiner")
        process = await self.host(host).role(
            "combiner", "--name", host, "--join-file", str(file), *self.data(host), *words
        )
        await process.says(rf"combiner {host} listens on")
        return process

    async def client(self, host: str, *words: str) -> Process:
        """A client that joins by a join string; wait for its connection with `connected`."""
        file = await asyncio.to_thread(self.join_file, host, "client")
        where = ("--name", host, "--join-file", str(file), *self.data(host))
        return await self.host(host).role("client", *where, *words)

    async def seed(self, mebibytes: float) -> None:
        """Upload the package, and a model of zeros of this size."""
        archive, seed = self.folder / "package.tgz", self.folder / "seed.npz"
        code = self.folder / "project" / "client"
        code.mkdir(parents=True)
        (code / "tasks.py").write_text(TASKS)
        entry_points = {task: {"command": "python3 tasks.py"} for task in ("train", "validate")}
        (code / "fedn.yaml").write_text(yaml.safe_dump({"entry_points": entry_points}))
        build(self.folder / "project", archive)
        words = f"import numpy; numpy.savez({str(seed)!r}, a=numpy.zeros({int(mebibytes * 2**18)}, 'float32'))"
        await asyncio.to_thread(self.host("desk").python, words)
        await asyncio.to_thread(self.operate, "package", "upload", str(archive))
        await asyncio.to_thread(self.operate, "model", "seed", str(seed))

    async def start_session(self, **options: Any) -> Watch:
        words = [word for key, value in options.items() for word in (f"--{key.replace('_', '-')}", str(value))]
        started = await asyncio.to_thread(self.operate, "session", "start", "--round-timeout", "100", *words)
        return Watch(self, started["id"])

    def newest(self) -> dict[str, Any]:
        """The newest model, with who took part in it."""
        found: dict[str, Any] = self.operate("model", "show")
        return found

    def mean(self) -> float:
        """The mean of the newest model, as its file has it."""
        self.host("desk").fedn("model", "download", "-o", str(self.folder / "newest.npz"), "--join", self.join)
        code = f"import numpy; print(numpy.load({str(self.folder / 'newest.npz')!r})['a'].mean())"
        return float(self.host("desk").python(code).stdout)


class Watch:
    """A session, followed from the desk."""

    def __init__(self, deployment: Deployment, session_id: str) -> None:
        self.id = session_id
        self._deployment = deployment

    async def events(self) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """What happens, as it happens, to the end of the session."""
        words = ("session", "watch", self.id, "--json", "--join", self._deployment.join)
        process = await asyncio.create_subprocess_exec(
            *self._deployment.host("desk").command(sys.executable, "-m", "fedn", *words), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        try:
            while line := await within(process.stdout.readline()):
                event = json.loads(line)
                if "kind" in event:  # the last line of a session that failed is an error
                    yield event["kind"], event["data"]
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
            await process.wait()

    async def end(self) -> dict[str, Any]:
        """Wait for the end; the session as it ended."""
        async for _ in self.events():
            pass
        return await asyncio.to_thread(self.show)

    def show(self) -> dict[str, Any]:
        found: dict[str, Any] = self._deployment.operate("session", "show", self.id)
        return found


async def connected(process: Process, combiner: str = r"\S+") -> str:
    """Wait until a client is connected to a combiner, and which."""
    return str((await process.says(rf"is connected to combiner ({combiner}) "))[1])


async def start_services(host: Host, folder: Path) -> None:
    """Servers of the protocols of MongoDB and S3, on the host's own address."""
    tools, address = Path(sys.executable).parent, "10.77.0.10"
    at = ("--host", address)
    mongo = ("--storage-path", str(folder / "mongo"), "--sync-on-commit", "--log-level", "ERROR")
    await host.start(str(tools / "secantusd-py"), *at, "--port", "27017", *mongo)
    await asyncio.to_thread((folder / "s3").mkdir, parents=True)
    own = (f"NANIO_DATA_DIR={folder / 's3'}", "NANIO_ACCESS_KEY=fedn", "NANIO_SECRET_KEY=a secret of tests")
    nanio = ("-m", "uvicorn", "--factory", "nanio.app:build_app")
    s3 = await host.start("env", *own, sys.executable, *nanio, *at, "--port", "9000")
    await asyncio.to_thread(host.python, SERVED, address)
    await s3.says("running on")


@contextlib.asynccontextmanager
async def deployment(folder: Path) -> AsyncIterator[Deployment]:
    """The reducer with a model of 3 MiB, combiner-1 known by its host name, combiner-2 known by its address."""
    async with Network(folder, PORTS, names=NAMES, gateways={"cleo": "192.168.77.1"}) as network:
        for name in ("ada", "ben", "cleo"):
            network[name].let_nobody_in()
        network["router"].route_for("192.168.77.0/24")
        await start_services(network["services"], folder / "services")
        file = folder / "reducer.yaml"
        file.write_text(yaml.safe_dump(SETTINGS))
        where = ("--data-dir", str(folder / "reducer"))
        reducer = await network["reducer"].role("reducer", "--init", str(file), *where)
        await reducer.says(r"listens on 0\.0\.0\.0:8090")
        words = ("token", "create", "--role", "operator", *where)
        join = (await asyncio.to_thread(network["reducer"].fedn, *words)).stdout.strip()
        assert join.startswith("fedn://reducer.example.org:8090/")
        here = Deployment(network, folder, join)
        await here.combiner("combiner-1", "--hostname", "combiner-1.example.org", "--rejoin-seconds", "1")
        await here.combiner("combiner-2", "--hostname", "10.77.0.22", "--rejoin-seconds", "1")
        await here.seed(3)
        yield here
