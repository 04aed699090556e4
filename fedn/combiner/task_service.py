"""What our clients speak beyond the frozen services: one task stream each, failures, predictions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial

from fedn.combiner.addresses import address
from fedn.combiner.members import Members
from fedn.combiner.rounds import Rounds
from fedn.core.membership import Member
from fedn.core.model import Answer
from fedn.errors import InvalidInput
from fedn.proto import fedn_pb2 as pb
from fedn.proto import fedn_pb2_grpc as rpc
from fedn.rpc import codec
from fedn.rpc.server import Context, claims

_SHARE_LEFT = 0.05
"""Of a token's life, when its bearer is sent for a new one: it must still be good for the answers under way."""


class TaskService(rpc.TasksServicer):
    """The task stream is also the sign of life: a client is here while its stream is open."""

    def __init__(self, *, members: Members, rounds: Rounds, welcome: pb.Welcome) -> None:
        self._members = members
        self._rounds = rounds
        self._welcome = welcome

    async def Stream(self, request: pb.ClientAvailableMessage, context: Context) -> AsyncIterator[pb.TaskMessage]:
        caller = claims()
        if caller is None or not request.instance:
            raise InvalidInput(
                "a task stream needs a token and an instance", hint="2021 clients open the other streams"
            )
        member = Member(
            name=self._members.caller(request.sender.name),
            instance=request.instance,
            version=request.version,
            needs_package=request.needs_package,
            token_ids=frozenset({caller.token_id, caller.parent}),
            address=address(context.peer()),
        )
        box = self._members.join(member)
        renewal = caller.expires_at - _SHARE_LEFT * (caller.expires_at - caller.issued_at) - time.time()
        timer = asyncio.get_running_loop().call_later(renewal, partial(box.part, "its token expires", reassign=True))
        try:
            yield pb.TaskMessage(welcome=self._welcome)
            async for message in box.messages():
                yield message
        finally:
            timer.cancel()
            self._members.leave(box)

    async def SendFailure(self, request: pb.TaskFailure, context: Context) -> pb.Response:
        name = self._members.caller(request.sender.name)
        detail = f"{request.message}\n{request.output}".rstrip()
        self._rounds.fail(name, request.task_id, detail)
        return pb.Response(response="noted")

    async def SendPrediction(self, request: pb.Prediction, context: Context) -> pb.Response:
        name = self._members.caller(request.sender.name)
        fate, detail = await self._rounds.answer(Answer(client=name, task_id=request.task_id, data=request.data))
        return codec.reply(fate, detail)
