"""Getting an answer to the combiner, whatever the network does meanwhile: every call is repeated until it gets through.

Repeating is safe: an answer is named by its client and task, and gets the same fate each time.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from fedn.core.model import Answer, File
from fedn.errors import DeadlineExceeded, FednError
from fedn.proto import fedn_pb2 as pb
from fedn.proto import fedn_pb2_grpc as rpc
from fedn.rpc import codec
from fedn.rpc.channel import AsyncChannel, Metadata
from fedn.rpc.chunks import check_received, download_async, upload_requests
from fedn.rpc.retry import backoff
from fedn.rpc.status import CallError, from_rpc_error

log = logging.getLogger(__name__)

T = TypeVar("T")

CALL_SECONDS = 60.0
"""Longest wait for the answer to one call; a repeated one finds what the last one did."""


class Delivery:
    """The calls of one client on one channel."""

    def __init__(self, channel: AsyncChannel, *, name: str, metadata: Metadata, peer: str) -> None:
        self._combiner = rpc.CombinerStub(channel)
        self._models = rpc.ModelServiceStub(channel)
        self._transfers = rpc.TransfersStub(channel)
        self._tasks = rpc.TasksStub(channel)
        self._connector = rpc.ConnectorStub(channel)
        self._sender = codec.client(name)
        self._metadata = metadata
        self._peer = peer

    async def fetch(self, model: File, target: Path, *, until: float) -> None:
        """Download a model into `target`, going on after each cut."""

        async def attempt(timeout: float) -> None:
            held = await asyncio.to_thread(lambda: target.stat().st_size if target.exists() else 0)
            request = pb.ModelRequest(sender=self._sender, id=model.id, offset=held)
            call = self._models.Download(request, metadata=self._metadata, timeout=timeout)
            await download_async(call, target, offset=held)
            await asyncio.to_thread(check_received, target, model)

        await self._persist(f"download of model {model.id}", attempt, until=until, longest=math.inf)

    async def upload(self, update: File, source: Path | bytes, *, until: float) -> None:
        """Upload an update, going on after each cut where the combiner has it up to."""

        async def attempt(timeout: float) -> None:
            request = pb.ModelRequest(sender=self._sender, id=update.id)
            held = await self._transfers.Held(request, metadata=self._metadata, timeout=min(timeout, CALL_SECONDS))
            if held.total_size and held.offset == held.total_size and held.status == pb.OK:
                return
            messages = upload_requests(source, update, sender=self._sender, offset=held.offset)
            await self._models.Upload(messages, metadata=self._metadata, timeout=timeout)

        await self._persist(f"upload of update {update.id}", attempt, until=until, longest=math.inf)

    async def send_update(self, answer: Answer, *, model_id: str, content: bytes, until: float) -> pb.Response:
        """Hand an update in; what became of it."""
        message = codec.update_to_message(answer, model_id=model_id, model_data=content)
        return await self._call("update", self._combiner.SendModelUpdate, message, until=until)

    async def send_validation(self, answer: Answer, *, model_id: str, until: float) -> pb.Response:
        message = codec.validation_to_message(answer, model_id=model_id)
        return await self._call("validation", self._combiner.SendModelValidation, message, until=until)

    async def send_prediction(self, answer: Answer, *, until: float) -> pb.Response:
        message = pb.Prediction(sender=self._sender, task_id=answer.task_id, data=answer.data)
        return await self._call("prediction", self._tasks.SendPrediction, message, until=until)

    async def send_failure(self, task_id: str, error: FednError, *, output: str, until: float) -> pb.Response:
        """Say that a task could not be done, and why."""
        message = pb.TaskFailure(
            sender=self._sender, task_id=task_id, code=error.code, message=str(error), output=output
        )
        return await self._call("failure report", self._tasks.SendFailure, message, until=until)

    async def send_status(self, status: pb.Status) -> None:
        """A word on what goes on; one that is lost is no loss."""
        status.sender.CopyFrom(self._sender)
        try:
            await self._connector.SendStatus(status, metadata=self._metadata, timeout=CALL_SECONDS)
        except CallError as error:
            log.debug("status not delivered: %s", error.details())

    async def send_heartbeat(self, heartbeat: pb.Heartbeat, *, timeout: float) -> float | None:
        """A sign of life. The task stream is the surer one, so one that is lost is no loss.

        Returns:
            The seconds until it was answered; None when it was not.
        """
        heartbeat.sender.CopyFrom(self._sender)
        clock = asyncio.get_running_loop().time
        sent = clock()
        try:
            await self._connector.SendHeartbeat(heartbeat, metadata=self._metadata, timeout=timeout)
        except CallError as error:
            log.debug("heartbeat not delivered: %s", error.details())
            return None
        return clock() - sent

    async def _call(self, what: str, method: Callable[..., Awaitable[T]], message: object, *, until: float) -> T:
        async def attempt(timeout: float) -> T:
            return await method(message, metadata=self._metadata, timeout=timeout)

        return await self._persist(what, attempt, until=until)

    async def _persist(
        self, what: str, attempt: Callable[[float], Awaitable[T]], *, until: float, longest: float = CALL_SECONDS
    ) -> T:
        """Repeat `attempt`, which is told how long it may take, while it fails for a reason that may pass.

        Raises:
            DeadlineExceeded: The loop's clock passed `until`.
            FednError: A reason that stays.
        """
        clock = asyncio.get_running_loop().time
        for delay in backoff():
            try:
                return await attempt(max(1.0, min(longest, until - clock())))
            except CallError as error:
                failure = from_rpc_error(error, peer=self._peer)
            except FednError as error:
                failure = error
            if not failure.retryable:
                raise failure
            if clock() + delay >= until:
                raise DeadlineExceeded(f"{what}: {failure}") from failure
            log.info("%s: %s; trying again", what, failure)
            await asyncio.sleep(delay)
        raise AssertionError("backoff never ends")
