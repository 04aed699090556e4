"""Files as messages and back: over real gRPC streams, and piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from fedn.core.model import File
from fedn.errors import Corrupt, NotFound, Unavailable
from fedn.proto import fedn_pb2 as pb
from fedn.proto import fedn_pb2_grpc as rpc
from fedn.rpc.channel import CHUNK
from fedn.rpc.chunks import (
    check_received,
    download,
    download_async,
    download_responses,
    pieces_async,
    raise_unless_sent,
    upload_requests,
)
from fedn.security.digest import sha256_bytes

SENDER = pb.Client(name="ada")
CONTENT = bytes(range(251)) * 9000
"""A little over two chunks, of a period that is none of a chunk."""

SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, len(CONTENT)]

Context = grpc.aio.ServicerContext[pb.ModelRequest, pb.ModelResponse]


def file_of(content: bytes) -> File:
    return File("m", len(content), sha256_bytes(content))


def stored(folder: Path, content: bytes) -> Path:
    path = folder / "model"
    path.write_bytes(content)
    return path


class Sender(rpc.ModelServiceServicer):
    """Sends `content`; another id than m there is not; of m/cut it sends no end."""

    def __init__(self, content: Path | bytes, file: File) -> None:
        self.content, self.file = content, file

    async def Download(self, request: pb.ModelRequest, context: Context) -> AsyncIterator[pb.ModelResponse]:
        if not request.id.startswith(self.file.id):
            yield pb.ModelResponse(id=request.id, status=pb.FAILED)
            return
        async for response in download_responses(self.content, self.file, offset=request.offset):
            if request.id.endswith("cut") and response.status == pb.OK:
                return
            yield response


async def serve(content: Path | bytes, file: File) -> tuple[grpc.aio.Server, str]:
    server = grpc.aio.server()
    rpc.add_ModelServiceServicer_to_server(Sender(content, file), server)  # type: ignore[abstract]
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, f"127.0.0.1:{port}"


@pytest_asyncio.fixture
async def address(tmp_path: Path) -> AsyncIterator[str]:
    """A server that sends CONTENT from a file."""
    server, address = await serve(stored(tmp_path, CONTENT), file_of(CONTENT))
    yield address
    await server.stop(None)


@pytest_asyncio.fixture
async def stub(address: str) -> AsyncIterator[rpc.ModelServiceAsyncStub]:
    async with grpc.aio.insecure_channel(address) as channel:
        yield rpc.ModelServiceStub(channel)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("in_memory", [True, False])
async def test_a_download_brings_the_file_whole(tmp_path: Path, size: int, in_memory: bool) -> None:
    content = CONTENT[:size]
    server, address = await serve(content if in_memory else stored(tmp_path, content), file_of(content))
    target = tmp_path / "target"
    async with grpc.aio.insecure_channel(address) as channel:
        await download_async(rpc.ModelServiceStub(channel).Download(pb.ModelRequest(id="m")), target)
    await server.stop(None)
    assert target.read_bytes() == content
    check_received(target, file_of(content))


@pytest.mark.parametrize("offset", [1, CHUNK, len(CONTENT) - 1, len(CONTENT)])
async def test_a_download_goes_on_where_it_was_cut(
    tmp_path: Path, stub: rpc.ModelServiceAsyncStub, offset: int
) -> None:
    target = tmp_path / "target"
    target.write_bytes(CONTENT[:offset])
    await download_async(stub.Download(pb.ModelRequest(id="m", offset=offset)), target, offset=offset)
    assert target.read_bytes() == CONTENT


async def test_a_download_without_its_end_is_cut_off(tmp_path: Path, stub: rpc.ModelServiceAsyncStub) -> None:
    with pytest.raises(Unavailable, match="the download of target was cut off"):
        await download_async(stub.Download(pb.ModelRequest(id="m/cut")), tmp_path / "target")


async def test_a_download_of_nothing_says_so(tmp_path: Path, stub: rpc.ModelServiceAsyncStub) -> None:
    with pytest.raises(NotFound, match="no model other"):
        await download_async(stub.Download(pb.ModelRequest(id="other")), tmp_path / "target")


async def test_threads_download_and_check(tmp_path: Path, address: str) -> None:
    def run(model_id: str, file: File) -> bytes:
        with grpc.insecure_channel(address) as channel:
            download(rpc.ModelServiceStub(channel).Download(pb.ModelRequest(id=model_id)), tmp_path / "target", file)
        return (tmp_path / "target").read_bytes()

    assert await asyncio.to_thread(run, "m", file_of(CONTENT)) == CONTENT
    assert await asyncio.to_thread(run, "m/cut", file_of(CONTENT)) == CONTENT
    with pytest.raises(Corrupt, match="m arrived with"):
        await asyncio.to_thread(run, "m", file_of(CONTENT[1:]))
    with pytest.raises(NotFound, match="no model other"):
        await asyncio.to_thread(run, "other", file_of(CONTENT))


@given(st.binary(max_size=50), st.integers(0, 60))
async def test_small_content_in_pieces(content: bytes, offset: int) -> None:
    assert b"".join([piece async for piece in pieces_async(content, offset=offset)]) == content[offset:]


@pytest.mark.parametrize("size", SIZES)
async def test_a_file_in_pieces_of_a_chunk(tmp_path: Path, size: int) -> None:
    path = stored(tmp_path, CONTENT[:size])
    pieces = [piece async for piece in pieces_async(path)]
    assert b"".join(pieces) == CONTENT[:size]
    assert all(len(piece) == CHUNK for piece in pieces[:-1])
    assert all(pieces)


async def test_whoever_stops_reading_leaves_no_file_open(tmp_path: Path) -> None:
    pieces = pieces_async(stored(tmp_path, CONTENT))
    assert await anext(pieces) == CONTENT[:CHUNK]
    await pieces.aclose()  # type: ignore[attr-defined]  # else a ResourceWarning fails the test
    with pytest.raises(StopAsyncIteration):
        await anext(pieces)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("offset", [0, 1])
async def test_an_upload_names_the_file_first_and_ends_with_ok(tmp_path: Path, size: int, offset: int) -> None:
    content = CONTENT[:size]
    file = file_of(content)
    path = stored(tmp_path, content)
    head, *pieces, end = [one async for one in upload_requests(path, file, sender=SENDER, offset=offset)]
    assert head == pb.ModelRequest(
        sender=SENDER, id="m", status=pb.IN_PROGRESS, total_size=size, sha256=file.sha256, offset=offset
    )
    assert b"".join(piece.data for piece in pieces) == content[offset:]
    assert {(piece.id, piece.status) for piece in pieces} <= {("m", pb.IN_PROGRESS)}
    assert end == pb.ModelRequest(sender=SENDER, id="m", status=pb.OK)


async def test_the_first_and_last_message_of_a_download_name_size_and_digest() -> None:
    file = file_of(CONTENT)
    first, *_, end = [one async for one in download_responses(CONTENT, file, offset=CHUNK)]
    assert (first.total_size, first.sha256, first.offset) == (file.size, file.sha256, CHUNK)
    assert end == pb.ModelResponse(id="m", status=pb.OK, total_size=file.size, sha256=file.sha256)


@pytest.mark.parametrize("change", [b"", CONTENT[:-1], CONTENT + b"\0", b"\1" + CONTENT[1:]])
def test_what_changed_on_the_way_is_deleted(tmp_path: Path, change: bytes) -> None:
    path = stored(tmp_path, change)
    with pytest.raises(Corrupt, match=f"m arrived with {len(change)} of {len(CONTENT)} bytes"):
        check_received(path, file_of(CONTENT))
    assert not path.exists()


def test_without_a_promised_digest_the_size_is_checked(tmp_path: Path) -> None:
    path = stored(tmp_path, CONTENT)
    check_received(path, File("m", len(CONTENT), ""))
    assert path.exists()


@pytest.mark.parametrize("status", [pb.OK, pb.IN_PROGRESS, pb.IN_PROGRESS_OK])
def test_a_message_that_is_no_failure_passes(status: pb.ModelStatus) -> None:
    raise_unless_sent(pb.ModelResponse(status=status))


def test_a_failure_says_what_the_sender_says() -> None:
    with pytest.raises(NotFound, match="it was deleted"):
        raise_unless_sent(pb.ModelResponse(id="m", status=pb.FAILED, message="it was deleted"))
