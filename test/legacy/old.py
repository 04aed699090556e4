"""A client of 2021 by hand, for tests of what a combiner makes of it, and how it comes to be let in."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from byhand import Desk, Peer
from loopback import Federation
from waiting import within

from fedn.proto import fedn_pb2 as pb
from fedn.reducer import enrolment
from fedn.security.join import JoinString


@dataclass(frozen=True)
class Old:
    """A client of 2021 with its two streams."""

    peer: Peer
    train: Any
    validate: Any

    @classmethod
    async def connect(cls, network: Federation, stack: AsyncExitStack, name: str) -> Old:
        """Open both streams, and wait until they are."""
        peer = await stack.enter_async_context(network.peer(name, token=""))
        old = cls(peer, open_train(peer), open_validate(peer))
        for stream in (old.train, old.validate):
            stack.callback(stream.cancel)
        for channel in (pb.MODEL_UPDATE_REQUESTS, pb.MODEL_VALIDATION_REQUESTS):
            await listed(network, channel, name)
        return old

    async def upload(self, content: bytes) -> str:
        """Upload as it does: pieces with an id and no more, then OK."""
        file_id = str(uuid.uuid4())
        pieces = [pb.ModelRequest(id=file_id, data=content, status=pb.IN_PROGRESS)]
        await within(self.peer.models.Upload(iter([*pieces, pb.ModelRequest(id=file_id, status=pb.OK)])))
        return file_id

    async def update(self, request: pb.ModelUpdateRequest, content: bytes, **fields: Any) -> pb.Response:
        """Upload an update and announce it."""
        message = pb.ModelUpdate(
            sender=self.peer.sender,
            model_id=request.model_id,
            model_update_id=await self.upload(content),
            correlation_id=request.correlation_id,
            **fields,
        )
        return await within(self.peer.combiner.SendModelUpdate(message))

    async def validation(self, request: pb.ModelValidationRequest, data: str) -> pb.Response:
        message = pb.ModelValidation(
            sender=self.peer.sender, model_id=request.model_id, data=data, correlation_id=request.correlation_id
        )
        return await within(self.peer.combiner.SendModelValidation(message))


async def assign(network: Federation, name: str, *, combiner: str = "c0") -> None:
    """Have the reducer assign a client of 2021, as it asks for with `GET /assign`."""
    claims = network.services.tokens.verify(JoinString.parse(network.join("client")).token)
    ask = partial(enrolment.assign, network.services, name=name, instance="", preferred=combiner, claims=claims)
    assert (await asyncio.to_thread(ask, legacy=True)).combiner.id == combiner


def open_train(peer: Peer) -> Any:
    """The stream of training tasks, as a client of 2021 opens it."""
    hello = pb.ClientAvailableMessage(sender=peer.sender)
    return peer.combiner.ModelUpdateRequestStream(hello, metadata=peer.metadata)


def open_validate(peer: Peer) -> Any:
    """The stream of validations."""
    hello = pb.ClientAvailableMessage(sender=peer.sender)
    return peer.combiner.ModelValidationRequestStream(hello, metadata=peer.metadata)


async def listed(network: Federation, channel: int, name: str) -> None:
    """Wait until c0 counts somebody in on a channel; each look is a call to the combiner and back."""

    async def look() -> None:
        async with network.desk() as desk:
            while name not in await active(desk, channel):
                pass

    await within(look())


async def active(desk: Desk, channel: int) -> list[str]:
    """The names that a combiner lists for a channel."""
    request = pb.ListClientsRequest(channel=channel)
    found = await desk.connector.ListActiveClients(request, metadata=desk.metadata)
    return [one.name for one in found.client]
