"""Both sides of a combiner by hand, for tests of what it makes of them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import grpc
import numpy as np
from waiting import within

from fedn.core import weights as w
from fedn.core.model import File, Presigned, RoundPlan, TaskKind
from fedn.proto import fedn_pb2 as pb
from fedn.proto import fedn_pb2_grpc as rpc
from fedn.rpc import codec
from fedn.rpc.channel import bearer, dial_async
from fedn.security.digest import sha256_bytes
from fedn.stores.documents import Model

Arrays = Mapping[str, np.ndarray]


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

    async def send(self, task_id: str, model: Arrays | bytes, *, examples: int = 1, **fields: Any) -> pb.Response:
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
        model: Arrays | bytes | Model,
        *clients: str,
        kind: TaskKind = TaskKind.TRAIN,
        seconds: float = 20.0,
        direct: Presigned | None = None,
        **fields: Any,
    ) -> HandRound:
        """Start a round. Its model comes with the plan, or is fetched from the trail or by a URL."""
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
        message = codec.plan_to_message(plan, data, direct)
        return HandRound(plan, self.rounds.Run(message, metadata=self.metadata))


class HandRound:
    """A round that runs at one combiner, and what it reports."""

    def __init__(self, plan: RoundPlan, call: Any) -> None:
        self.plan = plan
        self.id = plan.round_id
        self.call = call
        self.progress: dict[str, pb.ClientProgress] = {}
        self.seen: list[tuple[str, int]] = []
        """(client, state), in the order of the reports."""

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
        self.seen += [(one.client, one.state) for one in event.progress]
        return event


async def begun(run: HandRound, *peers: Peer) -> None:
    """Wait until these clients were asked."""
    for peer in peers:
        assert (await peer.task()).id == run.id
