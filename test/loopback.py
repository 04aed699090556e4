"""A federation for tests: a real reducer, real combiners and function clients in one process, over TLS on loopback.

Nothing here sleeps or polls: every wait wakes on what the reducer or a combiner says, and ends after `DEADLINE`.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import grpc
import numpy as np

import fedn
from fedn.api import Reducer
from fedn.combiner.app import CombinerApp
from fedn.combiner.enrolment import request_identity
from fedn.config import CombinerSettings, ReducerSettings
from fedn.core import weights as w
from fedn.core.model import File, RoundPlan, TaskKind
from fedn.proto import fedn_pb2 as pb
from fedn.proto import fedn_pb2_grpc as rpc
from fedn.reducer.serve import serving
from fedn.reducer.services import Services
from fedn.rpc import codec
from fedn.rpc.channel import bearer, dial_async
from fedn.rpc.http import Http, connect
from fedn.security.digest import sha256_bytes
from fedn.security.join import JoinString
from fedn.stores.documents import Model, Session

T = TypeVar("T")

DEADLINE = 60.0
"""Seconds that no wait comes near."""

Model_ = Mapping[str, np.ndarray]


async def within(awaitable: Any, seconds: float = DEADLINE) -> Any:
    return await asyncio.wait_for(awaitable, seconds)


def plus_one(model: Model_) -> Model_:
    return {name: array + 1 for name, array in model.items()}


def mean(model: Model_) -> dict[str, float]:
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

    async def seed(self, model: Model_) -> Model:
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


class Process:
    """`fedn run ROLE` as a process of its own, and what it says."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._said = ""
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, role: str, *words: str, data_dir: Path) -> Process:
        command = (sys.executable, "-m", "fedn", "run", role, "--data-dir", str(data_dir), *words)
        return cls(
            await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
        )

    async def says(self, pattern: str) -> re.Match[str]:
        """Wait until its log has this."""

        async def wait() -> re.Match[str]:
            while not (found := re.search(pattern, self._said)):
                assert not self._reading.done(), self._said
                self._news.clear()
                await self._news.wait()
            return found

        return await within(wait())

    def terminate(self) -> None:
        self._process.terminate()

    async def ended(self) -> int:
        """Wait for its end; its exit status."""
        status = await within(self._process.wait())
        await self._reading
        return status

    async def kill(self) -> None:
        """End it as a crash does."""
        self._process.kill()
        await self.ended()

    async def stop(self) -> None:
        if self._process.returncode is None:
            self.terminate()
            await self.ended()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self._said += line.decode()
            self._news.set()
        self._news.set()


class Peer:
    """A client by hand: it says what it is told to, right or wrong. Use it in an `async with` block."""

    def __init__(self, name: str, port: int, token: str, *, ca_pem: bytes) -> None:
        self.name = name
        self.metadata: Any = bearer(token) if token else (("client", name),)
        self.sender = codec.client(name)
        self.channel = dial_async("localhost", port, ca_pem=ca_pem)
        self.tasks = rpc.TasksStub(self.channel)
        self.combiner = rpc.CombinerStub(self.channel)
        self.models = rpc.ModelServiceStub(self.channel)
        self.transfers = rpc.TransfersStub(self.channel)
        self.connector = rpc.ConnectorStub(self.channel)
        self._stream: Any = None

    async def __aenter__(self) -> Peer:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.hang_up()
        await self.channel.close()

    async def connect(self, instance: str = "") -> pb.Welcome:
        """Open the task stream."""
        instance = instance or f"instance of {self.name}"
        hello = pb.ClientAvailableMessage(sender=self.sender, instance=instance, needs_package=False)
        self._stream = self.tasks.Stream(hello, metadata=self.metadata)
        return (await self.next()).welcome

    def hang_up(self) -> None:
        if self._stream is not None:
            self._stream.cancel()

    async def next(self) -> pb.TaskMessage:
        """The next message of the task stream; EOFError at its end."""
        message = await within(self._stream.read())
        if message is grpc.aio.EOF:
            raise EOFError
        return message

    async def task(self) -> pb.Task:
        message = await self.next()
        assert message.HasField("task"), message
        return message.task

    async def upload(self, data: bytes, *, file_id: str, offset: int = 0, **announced: Any) -> pb.ModelResponse:
        """Send bytes as one whole file; `announced` are total_size and sha256, right by default."""
        announced = {"total_size": len(data), "sha256": sha256_bytes(data), **announced}
        head = pb.ModelRequest(
            sender=self.sender, id=file_id, status=pb.IN_PROGRESS, offset=offset, data=data[offset:], **announced
        )
        end = pb.ModelRequest(id=file_id, status=pb.OK)
        return await within(self.models.Upload(iter([head, end]), metadata=self.metadata))

    async def held(self, file_id: str) -> pb.ModelResponse:
        request = pb.ModelRequest(sender=self.sender, id=file_id)
        return await within(self.transfers.Held(request, metadata=self.metadata))

    async def send(self, task_id: str, model: Model_ | bytes, *, examples: int = 1, **fields: Any) -> pb.Response:
        """Hand in an update inside the message."""
        data = model if isinstance(model, bytes) else w.to_bytes(model)
        given = {"sender": self.sender, "correlation_id": task_id, "num_examples": examples, **fields}
        update = pb.ModelUpdate(model_update_id=uuid.uuid4().hex, model=data, **given)
        return await within(self.combiner.SendModelUpdate(update, metadata=self.metadata))

    async def send_uploaded(self, task_id: str, file_id: str, *, examples: int = 1) -> pb.Response:
        """Hand in an update that was uploaded before."""
        update = pb.ModelUpdate(
            sender=self.sender, correlation_id=task_id, model_update_id=file_id, num_examples=examples
        )
        return await within(self.combiner.SendModelUpdate(update, metadata=self.metadata))

    async def validate(self, task_id: str, data: str, **fields: Any) -> pb.Response:
        validation = pb.ModelValidation(sender=self.sender, correlation_id=task_id, data=data, **fields)
        return await within(self.combiner.SendModelValidation(validation, metadata=self.metadata))

    async def fail(self, task_id: str, message: str) -> pb.Response:
        failure = pb.TaskFailure(sender=self.sender, task_id=task_id, code="entry_point_failed", message=message)
        return await within(self.tasks.SendFailure(failure, metadata=self.metadata))


class Desk:
    """The reducer's side of a combiner, by hand. Use it in an `async with` block."""

    def __init__(self, port: int, token: str, *, ca_pem: bytes) -> None:
        self.metadata: Any = bearer(token)
        self.channel = dial_async("localhost", port, ca_pem=ca_pem)
        self.rounds = rpc.RoundsStub(self.channel)
        self.models = rpc.ModelServiceStub(self.channel)
        self.connector = rpc.ConnectorStub(self.channel)
        self.control = rpc.ControlStub(self.channel)

    async def __aenter__(self) -> Desk:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.channel.close()

    def run(
        self,
        model: Model_ | bytes | Model,
        *clients: str,
        kind: TaskKind = TaskKind.TRAIN,
        seconds: float = 20.0,
        **fields: Any,
    ) -> HandRound:
        """Start a round. Its model comes with the plan, or is fetched from the trail."""
        if isinstance(model, Model):
            file, data = File(model.id, model.size, model.sha256), b""
        else:
            data = model if isinstance(model, bytes) else w.to_bytes(model)
            file = File(uuid.uuid4().hex, len(data), sha256_bytes(data))
        given = RoundPlan(
            round_id=uuid.uuid4().hex,
            session_id="by hand",
            number=1,
            kind=kind,
            model=file,
            clients=clients,
            seconds=seconds,
        )
        plan = replace(given, **fields)
        message = codec.plan_to_message(plan, data)
        return HandRound(plan, self.rounds.Run(message, metadata=self.metadata))


class HandRound:
    """A round that runs at one combiner, and what it reports."""

    def __init__(self, plan: RoundPlan, call: Any) -> None:
        self.plan = plan
        self.id = plan.round_id
        self.call = call
        self.progress: dict[str, pb.ClientProgress] = {}

    async def until(self, client: str, state: int) -> pb.ClientProgress:
        """Read on until a client stands so."""
        while client not in self.progress or self.progress[client].state != state:
            await self._read()
        return self.progress[client]

    async def result(self) -> pb.RoundResult:
        """Read on to the end."""
        while (event := await self._read()) is not None:
            if event.HasField("result"):
                return event.result
        raise EOFError

    def states(self) -> dict[str, str]:
        return {name: pb.ClientState.Name(one.state) for name, one in self.progress.items()}

    async def _read(self) -> pb.RoundEvent:
        event = await within(self.call.read())
        if event is grpc.aio.EOF:
            raise EOFError
        self.progress.update({one.client: one for one in event.progress})
        return event


class Proxy:
    """A network that can be cut, between a client and a combiner. Use it in an `async with` block.

    Args:
        port: Where to pass connections on to.
    """

    def __init__(self, port: int) -> None:
        self.port = 0
        self.passed = 0
        """Bytes that were passed on, either way."""
        self.cut_after: int | None = None
        """Cut everything once when so many bytes have been passed on."""
        self.mute = False
        """Whether what comes back is lost."""
        self.open = asyncio.Event()
        """While it is not set, new connections are cut at once."""
        self.open.set()
        self._target = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    def cut(self) -> None:
        """Reset all connections that there are."""
        for writer in self._writers:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.open.is_set():
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection("localhost", self._target)
        self._writers |= {writer, far_writer}
        self._pumps |= {
            asyncio.create_task(self._pump(reader, far_writer, back=False)),
            asyncio.create_task(self._pump(far_reader, writer, back=True)),
        }

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, back: bool) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                if back and self.mute:
                    continue
                self.passed += len(data)
                if self.cut_after is not None and self.passed >= self.cut_after:
                    self.cut_after = None
                    self.cut()
                    break
                writer.write(data)
                await writer.drain()
        writer.transport.abort()
