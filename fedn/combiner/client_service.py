"""The frozen services of clients, over the same core for ours and for those of 2021.

A 2021 client reads its tasks from two streams, one for training and one for validation; our clients have one stream
(`task_service.py`) and share the rest. Whoever watches a combiner from outside has a stream for each kind of message
that clients send.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fedn.combiner.addresses import address
from fedn.combiner.departures import Departures
from fedn.combiner.members import Members
from fedn.combiner.rounds import Rounds
from fedn.core.membership import Member
from fedn.errors import InvalidInput, InvalidUpdate, NotFound, Unavailable
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
        name = self._members.caller(request.sender.name, context.peer())
        if self._members.broadcasts.updates.names:
            self._members.broadcasts.updates.send(_without_model(request))
        with self._failing(request):
            answer = codec.update_from_message(request)
        owner = name if claims() is not None else ""
        fate, detail = await self._rounds.answer(answer, data=request.model, owner=owner)
        return codec.reply(fate, detail)

    async def SendModelValidation(self, request: pb.ModelValidation, context: Context) -> pb.Response:
        """Answers once the validation is read, refused or discarded: `fate` says which."""
        self._members.caller(request.sender.name, context.peer())
        self._members.broadcasts.validations.send(request)
        with self._failing(request):
            answer = codec.validation_from_message(request)
        fate, detail = await self._rounds.answer(answer)
        return codec.reply(fate, detail)

    async def ModelUpdateRequestStream(
        self, request: pb.ClientAvailableMessage, context: Context
    ) -> AsyncIterator[pb.ModelUpdateRequest]:
        async for task in self._tasks(request, pb.TRAIN, context.peer()):
            yield pb.ModelUpdateRequest(**self._request(request.sender, task))

    async def ModelValidationRequestStream(
        self, request: pb.ClientAvailableMessage, context: Context
    ) -> AsyncIterator[pb.ModelValidationRequest]:
        async for task in self._tasks(request, pb.VALIDATE, context.peer()):
            yield pb.ModelValidationRequest(**self._request(request.sender, task))

    async def ModelUpdateStream(
        self, request: pb.ClientAvailableMessage, context: Context
    ) -> AsyncIterator[pb.ModelUpdate]:
        """What clients hand in from now on, without the models themselves."""
        async for update in self._members.broadcasts.updates.watch(request.sender.name):
            yield update

    async def ModelValidationStream(
        self, request: pb.ClientAvailableMessage, context: Context
    ) -> AsyncIterator[pb.ModelValidation]:
        """The validations that clients send from now on."""
        async for validation in self._members.broadcasts.validations.watch(request.sender.name):
            yield validation

    async def SendModelUpdateRequest(self, request: pb.ModelUpdateRequest, context: Context) -> pb.Response:
        """Has a client train, or all of them; outside of a round, so that what they hand in is discarded."""
        return self._pass_on(request, pb.TRAIN)

    async def SendModelValidationRequest(self, request: pb.ModelValidationRequest, context: Context) -> pb.Response:
        """Has a client validate, or all of them; outside of a round, so that what they find is discarded."""
        return self._pass_on(request, pb.VALIDATE)

    def _pass_on(self, request: pb.ModelUpdateRequest | pb.ModelValidationRequest, kind: pb.TaskType) -> pb.Response:
        named = request.receiver.name
        receivers = [name for name in self._members.takers(kind) if named in ("", name)]
        if named and not receivers:
            raise NotFound(f"no client {named!r} that takes such a task is connected to this combiner")
        task_id = request.correlation_id or uuid.uuid4().hex
        task = self._rounds.errand(kind, task_id=task_id, model_id=request.model_id, parameters=request.data)
        for name in receivers:
            self._members.post(name, pb.TaskMessage(task=task))
        return pb.Response(sender=self._self, response=f"receivers: {len(receivers)}")

    @contextmanager
    def _failing(self, request: pb.ModelUpdate | pb.ModelValidation) -> Iterator[None]:
        """Have the round hear of it when an answer can't be read."""
        try:
            yield
        except InvalidUpdate as error:
            self._rounds.fail(request.sender.name, request.correlation_id, str(error))
            raise

    async def _tasks(self, request: pb.ClientAvailableMessage, kind: pb.TaskType, peer: str) -> AsyncIterator[pb.Task]:
        """The tasks of one of the two streams of a 2021 client."""
        name = self._members.caller(request.sender.name, peer)
        newcomer = self._members.get(name) is None
        box = self._members.join(Member(name=name, legacy=True, address=address(peer)), kind=kind)
        if newcomer:
            log.info("client %s of 2021 joined from %s", name, peer)
        reason = "this stream was closed"
        try:
            async for message in box.messages():
                if message.HasField("task"):
                    yield message.task
                elif message.HasField("goodbye"):
                    reason = message.goodbye.reason
        finally:
            self._members.leave(box)
        raise Unavailable(reason)  # only an error has such a client open its stream again

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

    def __init__(
        self,
        *,
        members: Members,
        rounds: Rounds,
        departures: Departures,
        on_status: Callable[[pb.Status], None],
        on_leaving: Callable[[str], None],
    ) -> None:
        self._members = members
        self._rounds = rounds
        self._departures = departures
        self._on_status = on_status
        self._on_leaving = on_leaving

    async def SendHeartbeat(self, request: pb.Heartbeat, context: Context) -> pb.Response:
        request.sender.name = self._members.caller(request.sender.name, context.peer())
        self._members.hear(request)
        return pb.Response(response="ok")

    async def SendStatus(self, request: pb.Status, context: Context) -> pb.Response:
        """Passes the message on to the reducer. It may also say how its client stands.

        The receipt of a task says that the client is at work. A warning or error about one is all by which a client of
        2021 can tell that it failed; ours have `Tasks.SendFailure`.
        """
        name = self._members.caller(request.sender.name, context.peer())
        request.sender.role = pb.WORKER  # the combiner alone speaks as one
        task_id = request.correlation_id or _correlation_id(request.data)
        if request.type in (pb.MODEL_UPDATE_REQUEST, pb.MODEL_VALIDATION_REQUEST):
            self._rounds.working(name, task_id)
        elif claims() is None and request.log_level in (pb.Status.WARNING, pb.Status.ERROR):
            self._rounds.fail(name, task_id, request.status)
        self._members.broadcasts.statuses.send(request)
        self._on_status(request)
        return pb.Response(response="ok")

    async def AllianceStatusStream(
        self, request: pb.ClientAvailableMessage, context: Context
    ) -> AsyncIterator[pb.Status]:
        """The status messages that clients send from now on."""
        async for status in self._members.broadcasts.statuses.watch(request.sender.name):
            yield status

    async def ListActiveClients(self, request: pb.ListClientsRequest, context: Context) -> pb.ClientList:
        """Who is connected; on a channel: who is given such tasks, or who watches such messages."""
        return pb.ClientList(client=[codec.client(name) for name in self._on(request.channel)])

    def _on(self, channel: pb.Channel) -> list[str]:
        members, broadcasts = self._members, self._members.broadcasts
        match channel:
            case pb.MODEL_UPDATE_REQUESTS:
                return members.takers(pb.TRAIN)
            case pb.MODEL_VALIDATION_REQUESTS:
                return members.takers(pb.VALIDATE)
            case pb.MODEL_UPDATES:
                return broadcasts.updates.names
            case pb.MODEL_VALIDATIONS:
                return broadcasts.validations.names
            case pb.STATUS:
                return broadcasts.statuses.names
            case _:
                return sorted(members.names())

    async def AcceptingClients(self, request: pb.ConnectionRequest, context: Context) -> pb.ConnectionResponse:
        if self._members.draining:
            return pb.ConnectionResponse(status=pb.NOT_ACCEPTING)
        full = len(self._members) >= self._members.max_clients
        return pb.ConnectionResponse(status=pb.TRY_AGAIN_LATER if full else pb.ACCEPTING)

    async def ReassignClient(self, request: pb.ReassignRequest, context: Context) -> pb.Response:
        """Sends a client to the reducer, to ask for the combiner that is named here; the reducer says which it is.

        It goes once no round waits for it. The server and port of the request are for people: who is told of a server
        has no token for it.
        """
        member = self._members.require(request.receiver.name)
        if member.legacy:
            raise InvalidInput(
                f"{member.name} is a client of 2021, which stays with the combiner that it was given at its start",
                hint="have its owner start it again, with the other combiner preferred",
            )
        self._departures.send(member.name, "moved by the operator", combiner=request.combiner)
        self._on_leaving(member.name)
        return pb.Response(response="ok")

    async def ReconnectClient(self, request: pb.ReconnectRequest, context: Context) -> pb.Response:
        """Has a client connect anew; it decides by itself how soon. One of ours asks the reducer where."""
        self._members.part_with(request.receiver.name, "asked to reconnect by the operator", reassign=True)
        return pb.Response(response="ok")


def _without_model(update: pb.ModelUpdate) -> pb.ModelUpdate:
    """The update as those see it who watch: many may wait to be read, and their models would fill the memory."""
    shown = pb.ModelUpdate()
    shown.CopyFrom(update)
    shown.ClearField("model")
    return shown


def _correlation_id(data: str) -> str:
    """The id of the task in a 2021 status message, which carries the request as JSON."""
    try:
        request = json.loads(data or "{}")
    except (ValueError, RecursionError):
        return ""
    found = request.get("correlation_id", request.get("correlationId", "")) if isinstance(request, dict) else ""
    return str(found)
