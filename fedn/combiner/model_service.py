"""Transfers of models: what clients download and upload, and the partials that the reducer fetches."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fedn.combiner.members import Members
from fedn.combiner.rounds import Rounds
from fedn.combiner.spool import Spool
from fedn.errors import InvalidInput, NotFound
from fedn.proto import fedn_pb2 as pb
from fedn.proto import fedn_pb2_grpc as rpc
from fedn.rpc.chunks import download_responses
from fedn.rpc.server import Context, claims
from fedn.security.tokens import Role


class ModelService(rpc.ModelServiceServicer):
    """`Download` serves what the spool has staged; `Upload` fills the spool."""

    def __init__(self, *, members: Members, rounds: Rounds, spool: Spool) -> None:
        self._members = members
        self._rounds = rounds
        self._spool = spool

    async def Download(self, request: pb.ModelRequest, context: Context) -> AsyncIterator[pb.ModelResponse]:
        """Pieces with IN_PROGRESS, then OK without data; FAILED when there is no such model."""
        caller = claims()
        if caller is None:
            self._members.check_transfer(request.sender.name, context.peer())
        try:
            staged = self._spool.staged(request.id, partials=caller is not None and caller.role is Role.REDUCER)
        except NotFound as error:
            yield pb.ModelResponse(id=request.id, status=pb.FAILED, message=error.message)
            return
        async for message in download_responses(staged.content, staged.file, offset=request.offset):
            yield message
        if staged.partial:
            await self._spool.drop(request.id)

    async def Upload(self, requests: AsyncIterator[pb.ModelRequest], context: Context) -> pb.ModelResponse:
        """Pieces, then OK without data. A stream that breaks off keeps what it brought; see `Transfers.Held`."""
        head = await anext(requests, None)
        if head is None or not head.id:
            raise InvalidInput("an upload starts with a message that bears its id")
        name = self._sender(head, context.peer())
        self._rounds.uploading(head.sender.name)
        upload = await self._spool.begin(name, head.id, total=head.total_size, sha256=head.sha256, offset=head.offset)
        message: pb.ModelRequest | None = head
        at = head.offset
        while message is not None and message.status != pb.OK:
            if message.data:
                await self._spool.append(upload, message.data, at=at)
                at += len(message.data)
            message = await anext(requests, None)
        if message is not None:
            await self._spool.finish(upload)
        status = pb.OK if upload.whole else pb.IN_PROGRESS
        return pb.ModelResponse(id=head.id, status=status, message="uploaded" if upload.whole else "unfinished")

    def _sender(self, head: pb.ModelRequest, peer: str) -> str:
        """Whose upload it is. Those of 2021 share a shelf, as most don't bear a name; their random ids part them."""
        if claims() is not None:
            return self._members.caller(head.sender.name)
        self._members.check_transfer(head.sender.name, peer)
        return ""


class TransferService(rpc.TransfersServicer):
    """Says how much of an upload is held."""

    def __init__(self, *, members: Members, spool: Spool) -> None:
        self._members = members
        self._spool = spool

    async def Held(self, request: pb.ModelRequest, context: Context) -> pb.ModelResponse:
        upload = self._spool.held(self._members.caller(request.sender.name), request.id)
        if upload is None:
            return pb.ModelResponse(id=request.id, status=pb.OK)
        return pb.ModelResponse(
            id=request.id,
            status=pb.OK if upload.whole else pb.IN_PROGRESS,
            offset=upload.held,
            total_size=upload.total,
            sha256=upload.sha256,
        )
