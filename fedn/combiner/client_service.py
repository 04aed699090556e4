"""The frozen services of clients, over the same core for ours and for those of 2021.

A 2021 client reads its tasks from two streams, one for training and one for validation; our clients have one stream
(`task_service.py`) and share the rest.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fedn.combiner.members import Members
from fedn.combiner.rounds import Rounds
from fedn.core.membership import Member
from fedn.errors import Forbidden, InvalidUpdate
from fedn.proto import fedn_pb2 as pb
from fedn.proto import fedn_pb2_grpc as rpc
from fedn.rpc import codec
from fedn.rpc.server import Context, claims

log = logging.getLogger(__name__)


class CombinerService(rpc.CombinerServicer):
    """Tasks out, answers in."""

    def __init__(self, *, members: Members, rounds: Rounds, name: str) -> None:
        self._members = members
        self._rounds = rounds
        self._self = codec.client(name, pb.COMBINER)

    async def SendModelUpdate(self, request: pb.ModelUpdate, context: Context) -> pb.Response:
        """Answers once the update is folded in, refused or discarded: `fate` says which."""
        name = self._members.caller(request.sender.name)
        with self._failing(request):
            answer = codec.update_from_message(request)
        owner = name if claims() is not None else ""
        fate, detail = await self._rounds.answer(answer, data=request.model, owner=owner)
        return codec.reply(fate, detail)

    async def SendModelValidation(self, request: pb.ModelValidation, context: Context) -> pb.Response:
        self._members.caller(request.sender.name)
        with self._failing(request):
            answer = codec.validation_from_message(request)
        fate, detail = await self._rounds.answer(answer)
        return codec.reply(fate, detail)

    async def ModelUpdateRequestStream(
        self, request: pb.ClientAvailableMessage, context: Context
    ) -> AsyncIterator[pb.ModelUpdateRequest]:
        async for task in self._tasks(request, pb.TRAIN):
            yield pb.ModelUpdateRequest(**self._request(request.sender, task))

    async def ModelValidationRequestStream(
        self, request: pb.ClientAvailableMessage, context: Context
    ) -> AsyncIterator[pb.ModelValidationRequest]:
        async for task in self._tasks(request, pb.VALIDATE):
            yield pb.ModelValidationRequest(**self._request(request.sender, task))

    def ModelUpdateStream(self, request: pb.ClientAvailableMessage, context: Context) -> AsyncIterator[Any]:
        raise Forbidden("updates are folded in, not passed on")

    def ModelValidationStream(self, request: pb.ClientAvailableMessage, context: Context) -> AsyncIterator[Any]:
        raise Forbidden("validations go to the reducer, not to clients")

    async def SendModelUpdateRequest(self, request: pb.ModelUpdateRequest, context: Context) -> pb.Response:
        raise Forbidden("tasks come from the rounds of the reducer")

    async def SendModelValidationRequest(self, request: pb.ModelValidationRequest, context: Context) -> pb.Response:
        raise Forbidden("tasks come from the rounds of the reducer")

    @contextmanager
    def _failing(self, request: pb.ModelUpdate | pb.ModelValidation) -> Iterator[None]:
        """Have the round hear of it when an answer can't be read."""
        try:
            yield
        except InvalidUpdate as error:
            self._rounds.fail(request.sender.name, request.correlation_id, str(error))
            raise

    async def _tasks(self, request: pb.ClientAvailableMessage, kind: int) -> AsyncIterator[pb.Task]:
        name = self._members.caller(request.sender.name)
        box = self._members.join(Member(name=name, legacy=True))
        try:
            async for message in box.messages():
                if message.HasField("task") and message.task.type == kind:
                    yield message.task
        finally:
            self._members.leave(box)

    def _request(self, receiver: pb.Client, task: pb.Task) -> dict[str, Any]:
        return {
            "sender": self._self,
            "receiver": receiver,
            "model_id": task.model.id,
            "data": task.parameters,
            "correlation_id": task.id,
            "timestamp": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()),
        }


class ConnectorService(rpc.ConnectorServicer):
    """Heartbeats, status messages, and who is here."""

    def __init__(self, *, members: Members, rounds: Rounds, on_status: Callable[[pb.Status], None]) -> None:
        self._members = members
        self._rounds = rounds
        self._on_status = on_status

    async def SendHeartbeat(self, request: pb.Heartbeat, context: Context) -> pb.Response:
        request.sender.name = self._members.caller(request.sender.name)
        self._members.hear(request)
        return pb.Response(response="ok")

    async def SendStatus(self, request: pb.Status, context: Context) -> pb.Response:
        """Passes the message on to the reducer; the receipt of a task also says that its client is at work."""
        name = self._members.caller(request.sender.name)
        if request.type in (pb.MODEL_UPDATE_REQUEST, pb.MODEL_VALIDATION_REQUEST):
            self._rounds.working(name, request.correlation_id or _correlation_id(request.data))
        self._on_status(request)
        return pb.Response(response="ok")

    async def ListActiveClients(self, request: pb.ListClientsRequest, context: Context) -> pb.ClientList:
        return pb.ClientList(client=[codec.client(name) for name in sorted(self._members.names())])

    async def AcceptingClients(self, request: pb.ConnectionRequest, context: Context) -> pb.ConnectionResponse:
        if self._members.draining:
            return pb.ConnectionResponse(status=pb.NOT_ACCEPTING)
        full = len(self._members) >= self._members.max_clients
        return pb.ConnectionResponse(status=pb.TRY_AGAIN_LATER if full else pb.ACCEPTING)

    def AllianceStatusStream(self, request: pb.ClientAvailableMessage, context: Context) -> AsyncIterator[Any]:
        raise Forbidden("status messages go to the reducer, not to clients", hint="GET /api/v1/events has them")

    async def ReassignClient(self, request: pb.ReassignRequest, context: Context) -> pb.Response:
        goodbye = pb.Goodbye(reason="moved by the operator", reassign=True)
        self._members.post(request.receiver.name, pb.TaskMessage(goodbye=goodbye))
        return pb.Response(response="ok")

    async def ReconnectClient(self, request: pb.ReconnectRequest, context: Context) -> pb.Response:
        goodbye = pb.Goodbye(reason="asked to reconnect by the operator", reassign=True)
        self._members.post(request.receiver.name, pb.TaskMessage(goodbye=goodbye))
        return pb.Response(response="ok")


def _correlation_id(data: str) -> str:
    """The id of the task in a 2021 status message, which carries the request as JSON."""
    try:
        request = json.loads(data or "{}")
    except (ValueError, RecursionError):
        return ""
    found = request.get("correlation_id", request.get("correlationId", "")) if isinstance(request, dict) else ""
    return str(found)
