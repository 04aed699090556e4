"""A client at a combiner: the task stream and the heartbeat, held through cuts of the network.

A task outlives the stream it came on: a client that lost its connection trains on, comes back and delivers.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from fedn.client.assignment import Assignment
from fedn.client.delivery import Delivery
from fedn.client.standing import Standing
from fedn.client.tasks import Tasks
from fedn.client.work import Work
from fedn.errors import Unauthenticated
from fedn.load import Load
from fedn.proto import fedn_pb2 as pb
from fedn.proto import fedn_pb2_grpc as rpc
from fedn.rpc import codec
from fedn.rpc.channel import AsyncChannel, bearer
from fedn.rpc.retry import backoff
from fedn.rpc.status import CallError, from_rpc_error
from fedn.version import __version__

log = logging.getLogger(__name__)

LEAVING_SECONDS = 1.0
"""How long what is in work may go on after a goodbye: the combiner's word on an answer may be on its way."""

PATIENCE_SECONDS = 20.0
"""How long a lost combiner is dialled before the reducer is asked for another."""


class Connection:
    """A client at a combiner.

    Args:
        assignment: Where.
        channel: Dialled already; may be shared by many clients of a process.
        name: Of the client.
        instance: Of this process.
        work: Does the tasks.
        folder: For models on their way.
        standing: Is told what happens.
    """

    def __init__(
        self,
        assignment: Assignment,
        channel: AsyncChannel,
        *,
        name: str,
        instance: str,
        work: Work,
        folder: Path,
        standing: Standing | None = None,
    ) -> None:
        self._name = name
        self._peer = f"combiner {assignment.combiner} ({assignment.host}:{assignment.port})"
        self._metadata = bearer(assignment.token)
        self._stub = rpc.TasksStub(channel)
        self._delivery = Delivery(channel, name=name, metadata=self._metadata, peer=self._peer)
        self._standing = standing or Standing(name)
        self._tasks = Tasks(self._delivery, name=name, work=work, folder=folder, standing=self._standing)
        self._hello = pb.ClientAvailableMessage(
            sender=codec.client(name), instance=instance, version=__version__, needs_package=work.needs_package
        )
        self._heartbeat: asyncio.Task[None] | None = None

    async def serve(self) -> pb.Goodbye:
        """Take tasks until the combiner parts from us or is lost for good; what it said then.

        Raises:
            NameInUse: Another live client holds the name.
        """
        try:
            return await self._serve()
        finally:
            if self._heartbeat is not None:
                self._heartbeat.cancel()
            await self._tasks.close()

    async def _serve(self) -> pb.Goodbye:
        clock = asyncio.get_running_loop().time
        delays, lost_at = backoff(), clock()
        while True:
            connected = False
            try:
                async for message in self._stub.Stream(self._hello, metadata=self._metadata):
                    if message.HasField("goodbye"):
                        if message.goodbye.reassign:
                            await self._tasks.settle(LEAVING_SECONDS)
                        return message.goodbye
                    connected = True
                    self._take(message)
                reason = "it closed the stream"
            except CallError as error:
                failure = from_rpc_error(error, peer=self._peer)
                if isinstance(failure, Unauthenticated):
                    return pb.Goodbye(reason=str(failure), reassign=True)
                if not failure.retryable:
                    raise failure from error
                reason = str(failure)
            if connected:
                delays, lost_at = backoff(), clock()
            if clock() - lost_at > PATIENCE_SECONDS:
                return pb.Goodbye(reason=f"{self._peer} is lost: {reason}", reassign=True)
            self._standing.lost(reason if self._peer in reason else f"{self._peer}: {reason}")
            delay = next(delays)
            log.warning("connection to %s: %s; trying again in %.1f s", self._peer, reason, delay)
            await asyncio.sleep(delay)

    def _take(self, message: pb.TaskMessage) -> None:
        match message.WhichOneof("message"):
            case "welcome":
                log.info("%s is connected to %s", self._name, self._peer)
                self._standing.connected()
                self._tasks.inline_bytes = message.welcome.inline_bytes
                if self._heartbeat is None:
                    self._heartbeat = asyncio.create_task(self._beat(message.welcome.heartbeat_seconds))
            case "task":
                self._tasks.take(message.task)
            case "cancel":
                self._tasks.cancel(message.cancel)

    async def _beat(self, seconds: float) -> None:
        load = Load()
        round_trip: float | None = None
        while True:
            await asyncio.sleep(seconds)
            processor, memory = load.read()
            self._standing.uses(processor=processor, memory_bytes=memory)
            heartbeat = pb.Heartbeat(processor=processor, memory_bytes=memory, round_trip=round_trip)
            round_trip = await self._delivery.send_heartbeat(heartbeat, timeout=seconds)
