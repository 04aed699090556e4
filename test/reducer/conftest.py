from __future__ import annotations

import asyncio
import gzip
import ssl
import tarfile
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest

from fedn.client.app import ClientApp
from fedn.client.work import Job, Outcome
from fedn.combiner.app import CombinerApp
from fedn.combiner.enrolment import request_identity
from fedn.config import CombinerSettings, ReducerSettings
from fedn.reducer import wsgi
from fedn.reducer.serve import serving
from fedn.reducer.services import Services
from fedn.rpc.http import Http
from fedn.security.tokens import Role

TRAIN = b"entry_points: {train: {command: python3 train.py}}\nhelper: numpyarray\n"


class Endless:
    """Work that is never done."""

    def __init__(self, *, needs_package: bool) -> None:
        self.needs_package = needs_package

    async def do(self, job: Job) -> Outcome:
        await asyncio.Event().wait()
        return Outcome()

    async def close(self) -> None:
        pass


class Fleet:
    """Combiners and clients in a loop of their own."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._combiners: list[CombinerApp] = []
        self._clients: list[asyncio.Task[None]] = []

    def add_combiner(self, name: str, http: Http, data_dir: Path) -> None:
        where = {"host": "localhost", "bind": "127.0.0.1", "port": 0, "data_dir": data_dir}
        settings = CombinerSettings(name=name, legacy_clients=True, **where)
        identity = request_identity(http, name=name, host=settings.host)

        async def start() -> None:
            self._combiners.append(CombinerApp(settings, http=http, identity=identity))
            await self._combiners[-1].start()

        self._do(start())

    def add_client(self, name: str, http: Http, folder: Path, needs_package: bool) -> None:
        folder.mkdir(parents=True)
        work = Endless(needs_package=needs_package)
        app = ClientApp(http, work=work, name=name, preferred="", folder=folder)

        async def start() -> None:
            self._clients.append(asyncio.create_task(app.run()))

        self._do(start())

    def stop(self) -> None:
        async def stop() -> None:
            for client in self._clients:
                client.cancel()
            await asyncio.gather(*self._clients, return_exceptions=True)
            for combiner in self._combiners:
                await combiner.stop()

        self._do(stop())

    def _do(self, work: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)


@contextmanager
def running_fleet() -> Iterator[Fleet]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    fleet = Fleet(loop)
    try:
        yield fleet
    finally:
        fleet.stop()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@dataclass
class Reducer:
    """A reducer that serves, and the means to ask it as anybody."""

    services: Services
    port: int
    data_dir: Path
    stack: ExitStack = field(repr=False)

    def token(self, role: Role, name: str = "", *, days: float = 1.0) -> str:
        return self.services.tokens.issue(role, days=days, subject=name)[1]

    def http(self, role: Role | None, name: str = "") -> Http:
        token = "" if role is None else self.token(role, name)
        http = Http(f"https://localhost:{self.port}", ca_pem=self.services.authority.certificate_pem, token=token)
        self.stack.callback(http.close)
        return http

    def raw(self, token: str = "", *, scheme: str = "Bearer") -> httpx.Client:
        """A client that shows statuses and headers."""
        headers = {"authorization": f"{scheme} {token}"} if token else {}
        context = ssl.create_default_context(cadata=self.services.authority.certificate_pem.decode())
        client = httpx.Client(
            base_url=f"https://localhost:{self.port}", verify=context, headers=headers, trust_env=False
        )
        return self.stack.enter_context(client)

    def add_combiner(self, name: str) -> None:
        """A combiner that is connected when this returns."""
        self.fleet.add_combiner(name, self.http(Role.COMBINER), self.data_dir)
        self._await(lambda: any(one.name == name and one.connected for one in self.services.network.combiners()))

    def add_clients(self, *names: str, needs_package: bool = True) -> None:
        """Clients that are connected when this returns, of a combiner of their own, and never finish what they do."""
        self.add_combiner("c1")
        for name in names:
            self.fleet.add_client(name, self.http(Role.CLIENT), self.data_dir / "clients" / name, needs_package)
        self._await(lambda: {client.name for client in self.services.network.clients()} == set(names))

    @cached_property
    def fleet(self) -> Fleet:
        return self.stack.enter_context(running_fleet())

    def _await(self, condition: Callable[[], bool]) -> None:
        changed = threading.Event()
        unlisten = self.services.network.listen(changed.set)
        while not condition():
            assert changed.wait(30)
            changed.clear()
        unlisten()


Start = Callable[..., Reducer]


@pytest.fixture(scope="session")
def start_reducer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts a reducer; the caller's stack stops it."""

    def start(stack: ExitStack, **settings: object) -> Reducer:
        data_dir = tmp_path_factory.mktemp("data")
        given = ReducerSettings(**{"data_dir": data_dir, "host": "127.0.0.1", "port": 0, **settings})  # type: ignore[arg-type]
        services, port = stack.enter_context(serving(given))
        return Reducer(services, port, given.data_dir, stack)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            wsgi.Server, "expiration_interval", 0.02
        )  # how long the server takes to notice that it is to stop
        yield start


@pytest.fixture
def reducer(start_reducer: Start) -> Iterator[Reducer]:
    """A reducer of this test's own."""
    with ExitStack() as stack:
        yield start_reducer(stack)


@pytest.fixture(scope="module")
def shared(start_reducer: Start) -> Iterator[Reducer]:
    """A reducer for the tests of a file that leave it as it is."""
    with ExitStack() as stack:
        yield start_reducer(stack)


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    path = tmp_path / "model.npz"
    np.savez(path, weights=np.arange(6, dtype=np.float32).reshape(2, 3), bias=np.zeros(3, np.float32))
    return path


@pytest.fixture
def make_package(tmp_path: Path) -> Callable[..., Path]:
    """Writes the archive of a compute package: for the same content the same bytes."""

    def make(name: str = "package.tgz", *, code: bytes = b"pass", manifest: bytes = TRAIN) -> Path:
        path = tmp_path / name
        with gzip.GzipFile(path, "wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
            for member, content in (("client/fedn.yaml", manifest), ("client/train.py", code)):
                info = tarfile.TarInfo(member)
                info.size = len(content)
                tar.addfile(info, BytesIO(content))
        return path

    return make
