"""A federation for tests: a real reducer, real combiners and function clients in one process, over TLS on loopback.

Nothing here sleeps or polls: every wait wakes on what the reducer or a combiner says, and ends after `DEADLINE`.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
from byhand import Arrays, Desk, Peer
from processes import Process
from waiting import within

import fedn
from fedn.api import Reducer
from fedn.combiner.app import CombinerApp
from fedn.combiner.enrolment import request_identity
from fedn.config import CombinerSettings, ReducerSettings
from fedn.core import weights as w
from fedn.reducer.serve import serving
from fedn.reducer.services import Services
from fedn.rpc.http import Http, connect
from fedn.security.join import JoinString
from fedn.stores.documents import Model, Session

T = TypeVar("T")


def plus_one(model: Arrays) -> Arrays:
    return {name: array + 1 for name, array in model.items()}


def mean(model: Arrays) -> dict[str, float]:
    return {"mean": float(np.mean([array.mean() for array in model.values()]))}


class Federation:
    """A reducer in threads, combiners and clients as tasks of the running loop; `async with` starts and ends it.

    Args:
        folder: Of all data.
        combiners: How many to begin with, named c0, c1, …
        combiner: Settings of each combiner.
        process: Whether the reducer is a process of its own.
        reducer: Settings of the reducer in this process.
    """

    def __init__(
        self,
        folder: Path,
        *,
        combiners: int = 1,
        combiner: Mapping[str, Any] | None = None,
        process: bool = False,
        **reducer: Any,
    ) -> None:
        self.folder = folder
        self.port = 0
        self.process: Process | None = None
        self._as_process = process
        self.combiners: dict[str, CombinerApp] = {}
        self.clients: dict[str, asyncio.Task[None]] = {}
        self._count = combiners
        self._combiner = {"rejoin_seconds": 0.3, **(combiner or {})}
        self._reducer = reducer
        self._stack = contextlib.ExitStack()

    async def __aenter__(self) -> Federation:
        try:
            await self.start_reducer()
            for number in range(self._count):
                await self.add_combiner(f"c{number}")
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        for name in list(self.clients):
            await self.remove_client(name)
        for name in list(self.combiners):
            await self.combiners.pop(name).stop()
        await self.stop_reducer()

    async def start_reducer(self) -> None:
        """Start the reducer, at the port that it had before."""
        if self._as_process:
            words = ("--host", "127.0.0.1", "--port", str(self.port))
            self.process = await Process.start("reducer", *words, data_dir=self.folder)
            self.port = int((await self.process.says(r"listens on 127.0.0.1:(\d+)"))[1])
        else:
            settings = ReducerSettings(data_dir=self.folder, host="127.0.0.1", port=self.port, **self._reducer)
            self.services: Services
            self.services, self.port = await asyncio.to_thread(self._stack.enter_context, serving(settings))
        self.operator = await asyncio.to_thread(Reducer.connect, data_dir=self.folder)
        self.web = await asyncio.to_thread(connect, JoinString.parse(self.join("operator")))
        self._stack.callback(self.operator.close)
        self._stack.callback(self.web.close)

    async def stop_reducer(self) -> None:
        await asyncio.to_thread(self._stack.close)
        if self.process is not None:
            await self.process.stop()

    def join(self, role: str) -> str:
        return (self.folder / "join" / role).read_text().strip()

    async def http(self, role: str, token: str = "") -> Http:
        """A session with the reducer, for who closes it."""
        found = JoinString.parse(self.join(role))
        join = JoinString(found.host, found.port, found.fingerprint, token or found.token)
        return await asyncio.to_thread(connect, join)

    async def add_combiner(self, name: str, **options: Any) -> CombinerApp:
        given = {"host": "localhost", "bind": "127.0.0.1", "port": 0, **self._combiner, **options}
        settings = CombinerSettings(data_dir=self.folder, name=name, **given)
        http = await self.http("combiner")
        identity = await asyncio.to_thread(request_identity, http, name=name, host=settings.host)
        app = self.combiners[name] = CombinerApp(settings, http=http, identity=identity)
        await app.start()
        await self.connected(name)
        return app

    async def combiner_process(self, name: str, *words: str) -> Process:
        """Start a combiner as a process of its own, for who stops it."""
        settings = ("--name", name, "--host", "localhost", "--bind", "127.0.0.1", "--port", "0")
        process = await Process.start("combiner", *settings, *words, data_dir=self.folder)
        await process.says("listens on")
        await self.connected(name)
        return process

    async def connected(self, *names: str) -> None:
        """Wait until the reducer has these combiners."""
        await self.until(lambda: {one["name"] for one in self.operator.combiners() if one["connected"]} >= set(names))

    async def add_client(
        self,
        name: str,
        *,
        train: Callable[..., Any] | None = plus_one,
        validate: Callable[..., Any] | None = mean,
        combiner: str = "",
    ) -> asyncio.Task[None]:
        """Start a client and wait until the reducer knows of it."""
        client = fedn.Client(train=train, validate=validate, name=name)
        task = asyncio.create_task(client.serve(self.join("client"), preferred=combiner))
        self.clients[name] = task
        joined = asyncio.create_task(self.until(lambda: name in self.live()))
        await asyncio.wait([task, joined], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            joined.cancel()
            await task
        await joined
        return task

    async def remove_client(self, name: str) -> None:
        task = self.clients.pop(name)
        task.cancel()
        await asyncio.wait([task])

    def live(self) -> dict[str, str]:
        """Client → its combiner, of the connected ones."""
        return {one["name"]: one["combiner"] for one in self.operator.clients()}

    async def until(self, holds: Callable[[], T]) -> T:
        """Wait for what `holds` says to be true, looking again whenever the reducer has news."""
        return await within(asyncio.to_thread(self._until, holds))

    def _until(self, holds: Callable[[], T]) -> T:
        for _ in self.web.lines("/api/v1/events/watch"):  # the first one comes at once
            if found := holds():
                return found
        raise EOFError("the reducer closed its feed")

    async def seed(self, model: Arrays) -> Model:
        path = self.folder / "seed.npz"
        w.write(model, path)
        return await asyncio.to_thread(self.operator.seed_model, path)

    async def start_session(self, **options: Any) -> Session:
        return await asyncio.to_thread(lambda: self.operator.start_session(**{"round_timeout": 20.0, **options}))

    async def watch(self, session_id: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """What happens in a session, as it happens, until it has ended."""
        events = self.operator.watch_session(session_id)
        try:
            while (event := await within(asyncio.to_thread(next, events, None))) is not None:
                yield event
        finally:
            with contextlib.suppress(ValueError):  # it waits still, and the deadline has passed
                await asyncio.to_thread(events.close)

    async def session(self, **options: Any) -> Session:
        """Run a session to its end."""
        return await self.end_of(await self.start_session(**options))

    async def end_of(self, session: Session) -> Session:
        async for _ in self.watch(session.id):
            pass
        return await asyncio.to_thread(self.operator.session, session.id)

    async def trail(self) -> list[Model]:
        """The models, oldest first."""
        return (await asyncio.to_thread(self.operator.models))[::-1]

    async def model(self, model_id: str = "") -> dict[str, np.ndarray]:
        """A model's arrays; by default of the newest."""
        return w.read(await self.file(model_id))

    async def file(self, model_id: str = "") -> bytes:
        """A model's bytes; by default of the newest."""
        model_id = model_id or (await self.trail())[-1].id
        target = self.folder / f"download-{uuid.uuid4().hex}"
        path = await asyncio.to_thread(self.operator.download_model, model_id, target)
        content = path.read_bytes()
        path.unlink()
        return content

    def spooled(self, combiner: str = "c0") -> list[str]:
        """The files in a combiner's spool."""
        return sorted(path.name for path in (self.folder / "combiner" / combiner / "spool").iterdir())

    def peer(self, name: str, *, combiner: str = "c0", token: str | None = None, port: int = 0) -> Peer:
        """A client by hand, not connected yet.

        Args:
            token: By default a good one; empty gives none, as clients of 2021 do.
            port: Of a proxy before the combiner.
        """
        if token is None:
            token = self.services.tokens.for_client(name, combiner=combiner, parent="")
        port = port or self.combiners[combiner].port
        return Peer(name, port, token, ca_pem=self.services.authority.certificate_pem)

    def desk(self, combiner: str = "c0") -> Desk:
        """The reducer's side of a combiner, by hand."""
        app = self.combiners[combiner]
        return Desk(app.port, self.services.tokens.for_call(combiner), ca_pem=self.services.authority.certificate_pem)
