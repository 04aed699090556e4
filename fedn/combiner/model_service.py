"""Transfers of models: what clients download and upload, and the partials that the reducer fetches."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from fedn.combiner.members import Members
from fedn.combiner.spool import Spool
from fedn.errors import InvalidInput, NotFound
from fedn.proto import fedn_pb2 as pb
from fedn.proto import fedn_pb2_grpc as rpc
from fedn.rpc.chunks import download_responses
from fedn.rpc.server import Context, claims
from fedn.security.tokens import Role


class ModelService(rpc.ModelServiceServicer):
    """`Download` serves what the spool has staged; `Upload` fills the spool."""

    def __init__(self, *, members: Members, spool: Spool) -> None:
        self._members = members
        self._spool = spool

    async def Download(self, request: pb.ModelRequest, context: Context) -> AsyncIterator[pb.ModelResponse]:
        """Pieces with IN_PROGRESS, then OK without data; FAILED when there is no such model."""
        try:
            staged = self._spool.staged(request.id)
        except NotFound as error:
            yield pb.ModelResponse(id=request.id, status=pb.FAILED, message=error.message)
            return
        async for message in download_responses(staged.content, staged.file, offset=request.offset):
            yield message
        caller = claims()
        if caller is not None and caller.role is Role.REDUCER and isinstance(staged.content, Path):
            await self._spool.drop(request.id)  # the reducer fetches partials, each once

    async def Upload(self, requests: AsyncIterator[pb.ModelRequest], context: Context) -> pb.ModelResponse:
        """Pieces, then OK without data. A stream that breaks off keeps what it brought; see `Transfers.Held`."""
        head = await anext(requests, None)
        if head is None or not head.id:
            raise InvalidInput("an upload starts with a message that bears its id")
        name = self._sender(head)
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

    def _sender(self, head: pb.ModelRequest) -> str:
        """Our clients name themselves at the start; those of 2021 may not at all, so their uploads share a shelf."""
        return self._members.caller(head.sender.name) if claims() is not None else ""


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
