"""A client as a process: it asks where to go, works there, and asks again when that ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import signal
import socket
import tempfile
import uuid
from functools import partial
from pathlib import Path

from fedn.client.assignment import Assignment, request_assignment
from fedn.client.connection import Connection
from fedn.client.packages import PackageWork
from fedn.client.sources import LocalSource, RemoteSource, Source
from fedn.client.standing import Standing
from fedn.client.status import status_page
from fedn.client.work import Work
from fedn.config import ClientSettings
from fedn.errors import Unauthenticated
from fedn.rpc.channel import dial_async
from fedn.rpc.discovery import find_reducer, persist
from fedn.rpc.http import Http, connect
from fedn.security import tokens
from fedn.security.join import JoinString

log = logging.getLogger(__name__)


class ClientApp:
    """One client. Several may share a process, and then also its connection to a combiner.

    Args:
        http: The reducer; who made it closes it.
        work: Does the tasks.
        name: In the network; must be no other live client's.
        preferred: Combiner to go to, if it has room.
        folder: For models on their way.
        standing: Is told what happens.
    """

    def __init__(
        self,
        http: Http,
        *,
        work: Work,
        name: str,
        preferred: str,
        folder: Path,
        standing: Standing | None = None,
    ) -> None:
        self._http = http
        self._work = work
        self._name = name
        self._preferred = preferred
        self._folder = folder
        self._standing = standing or Standing(name)
        self._instance = uuid.uuid4().hex

    async def run(self) -> None:
        """Work until cancelled.

        Raises:
            FednError: What trying again can't help: a bad token, a name in use, another service at the address.
        """
        try:
            while True:
                assignment = await self._assign()
                log.info("%s is assigned to combiner %s", self._name, assignment.combiner)
                self._standing.assigned(assignment.combiner)
                await self._serve(assignment)
        finally:
            await self._work.close()

    async def _assign(self) -> Assignment:
        ask = partial(
            request_assignment,
            self._http,
            name=self._name,
            instance=self._instance,
            preferred=self._preferred,
            needs_package=self._work.needs_package,
        )
        return await persist(f"assigning {self._name}", self._standing.noting(ask))

    async def _serve(self, assignment: Assignment) -> None:
        async with dial_async(assignment.host, assignment.port, ca_pem=self._http.ca_pem) as channel:
            connection = Connection(
                assignment,
                channel,
                name=self._name,
                instance=self._instance,
                work=self._work,
                folder=self._folder,
                standing=self._standing,
            )
            goodbye = await connection.serve()
        if not goodbye.reassign:
            raise Unauthenticated(f"the combiner parted from {self._name}: {goodbye.reason}")
        self._preferred = goodbye.combiner or self._preferred
        log.info("%s looks for another combiner: %s", self._name, goodbye.reason)
        self._standing.parted()


async def run_client(
    http: Http, *, work: Work, name: str, preferred: str = "", standing: Standing | None = None
) -> None:
    """Run one client with a folder of its own, until cancelled."""
    with tempfile.TemporaryDirectory(prefix="fedn-client-") as folder:
        app = ClientApp(http, work=work, name=name, preferred=preferred, folder=Path(folder), standing=standing)
        await app.run()


async def until_signal(work: asyncio.Task[None]) -> None:
    """Let `work` go on until it ends by itself, or SIGTERM or SIGINT ends it."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await work


def default_name() -> str:
    """This machine's name and a few random characters, as there may be many clients on a machine."""
    return f"{socket.gethostname()}-{secrets.token_hex(3)}"


async def run(settings: ClientSettings) -> None:
    """Run a client that works with the network's compute package, until SIGTERM or SIGINT."""
    name = settings.name or default_name()
    standing = Standing(name)
    async with status_page(standing, settings.status_port):
        join = find_reducer("client", settings)
        standing.seeks(network=tokens.read(join.token).network, reducer=_address(join))
        http = await persist("reaching the reducer", standing.noting(partial(connect, join)))
        try:
            await until_signal(asyncio.ensure_future(_work(settings, http, name, standing)))
        finally:
            http.close()


def _address(join: JoinString) -> str:
    return f"[{join.host}]:{join.port}" if ":" in join.host else f"{join.host}:{join.port}"


async def _work(settings: ClientSettings, http: Http, name: str, standing: Standing) -> None:
    folder, cache = settings.data_dir / "client" / name, settings.data_dir / "cache"
    source: Source = RemoteSource(http, cache=cache / "packages", checksum=settings.checksum)
    if not settings.remote:
        source = LocalSource(Path.cwd(), folder=folder)
    work = PackageWork(
        source,
        client=name,
        folder=folder,
        environments=Path(settings.environments) if settings.environments else cache / "environments",
        data=Path(settings.data) if settings.data else None,
        task_seconds=settings.task_seconds,
        standing=standing,
    )
    if settings.dry_run:
        await _rehearse(http, work, name, standing)
    else:
        await run_client(http, work=work, name=name, preferred=settings.preferred_combiner, standing=standing)


async def _rehearse(http: Http, work: PackageWork, name: str, standing: Standing) -> None:
    """All that comes before the first task: an assignment, the package, its environment, its `startup`."""
    try:
        ask = partial(request_assignment, http, name=name, instance=uuid.uuid4().hex)
        assignment = await persist(f"assigning {name}", standing.noting(ask))
        standing.assigned(assignment.combiner)
        await work.prepare(assignment.package_sha256)
    finally:
        await work.close()
    log.info("dry run: %s would go to combiner %s, and its package is ready", name, assignment.combiner)
