"""Files as messages of 1 MiB and back. Reading and writing happens in threads, never on the loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc

from fedn.core.model import File
from fedn.errors import Corrupt, NotFound, Unavailable
from fedn.proto import fedn_pb2 as pb
from fedn.rpc.channel import CHUNK
from fedn.security.digest import sha256_file


async def pieces_async(content: Path | bytes, *, offset: int = 0) -> AsyncIterator[bytes]:
    """The bytes of a file from `offset` on, the next chunk being read while the last one is sent."""
    if isinstance(content, bytes):
        for start in range(offset, len(content), CHUNK):
            yield content[start : start + CHUNK]
        return
    source = await asyncio.to_thread(content.open, "rb")
    try:
        source.seek(offset)
        ahead = asyncio.ensure_future(asyncio.to_thread(source.read, CHUNK))
        try:
            while piece := await ahead:
                ahead = asyncio.ensure_future(asyncio.to_thread(source.read, CHUNK))
                yield piece
        finally:
            await asyncio.gather(ahead, return_exceptions=True)
    finally:
        source.close()


async def upload_requests(
    content: Path | bytes, file: File, *, sender: pb.Client, offset: int
) -> AsyncIterator[pb.ModelRequest]:
    """The messages of an Upload from `offset` on: pieces, then OK."""
    head = pb.ModelRequest(
        sender=sender, id=file.id, status=pb.IN_PROGRESS, total_size=file.size, sha256=file.sha256, offset=offset
    )
    yield head
    async for piece in pieces_async(content, offset=offset):
        yield pb.ModelRequest(id=file.id, status=pb.IN_PROGRESS, data=piece)
    yield pb.ModelRequest(sender=sender, id=file.id, status=pb.OK)


async def download_responses(content: Path | bytes, file: File, *, offset: int) -> AsyncIterator[pb.ModelResponse]:
    """The messages of a Download from `offset` on: pieces, then OK. Size and digest come with the first and last.

    `content` is where the file lies, or the bytes of a small one.
    """
    first = True
    async for piece in pieces_async(content, offset=offset):
        message = pb.ModelResponse(id=file.id, status=pb.IN_PROGRESS, data=piece)
        if first:
            message.total_size, message.sha256, message.offset = file.size, file.sha256, offset
            first = False
        yield message
    yield pb.ModelResponse(id=file.id, status=pb.OK, total_size=file.size, sha256=file.sha256)


def check_received(path: Path, file: File) -> None:
    """Compare a received file with what was promised; one that differs is deleted.

    Raises:
        Corrupt: Other size or digest.
    """
    size = path.stat().st_size
    if size != file.size or (file.sha256 and sha256_file(path) != file.sha256):
        path.unlink()
        raise Corrupt(f"{file.id} arrived with {size} of {file.size} bytes, or changed on the way")


def raise_unless_sent(response: pb.ModelResponse) -> None:
    """Raise what a transfer's FAILED message stands for."""
    if response.status == pb.FAILED:
        raise NotFound(response.message or f"no model {response.id}")


def download(call: Iterator[pb.ModelResponse], target: Path, file: File) -> None:
    """Receive a Download into `target`, for threads.

    Raises:
        NotFound: The sender has no such file.
        Corrupt: Other content than `file` promises.
    """
    with target.open("wb") as sink:
        for response in call:
            raise_unless_sent(response)
            sink.write(response.data)
    check_received(target, file)


async def download_async(
    call: grpc.aio.UnaryStreamCall[pb.ModelRequest, pb.ModelResponse], target: Path, *, offset: int = 0
) -> None:
    """Append a Download to what `target` holds up to `offset`.

    Raises:
        NotFound: The sender has no such file.
        Unavailable: The stream ended before the file did.
    """
    sink = await asyncio.to_thread(target.open, "r+b" if offset else "wb")
    try:
        sink.seek(offset)
        ended = False
        async for response in call:
            raise_unless_sent(response)
            if response.data:
                await asyncio.to_thread(sink.write, response.data)
            ended = response.status == pb.OK
    finally:
        await asyncio.to_thread(sink.close)
    if not ended:
        raise Unavailable(f"the download of {target.name} was cut off")
