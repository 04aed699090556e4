"""Files on their way to an S3 service and back: neither may be cut off without notice."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, BinaryIO

from fedn.errors import Corrupt, Unavailable
from fedn.stores.protocols import Stored

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

PIECE = 1 << 20
"""Bytes read and hashed at a time."""


class Source(io.RawIOBase):
    """What is stored, hashed on the way.

    Raises at its end where the content differs from `sha256`: so that the SDK, which has not finished yet, stores
    nothing.
    """

    def __init__(self, stream: BinaryIO, *, sha256: str | None, name: str) -> None:
        self._stream = stream
        self._expected = sha256
        self._name = name
        self._digest = hashlib.sha256()
        self._size = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        content = bytearray()
        while len(content) < size:
            piece = self._stream.read(min(PIECE, size - len(content)))
            if not piece:
                self._check()
                break
            self._digest.update(piece)
            content += piece
        self._size += len(content)
        return bytes(content)

    @property
    def stored(self) -> Stored:
        return Stored(self._size, self._digest.hexdigest())

    def _check(self) -> None:
        found = self._digest.hexdigest()
        if self._expected not in (None, found):
            raise Corrupt(f"{self._name} has SHA-256 {found}, expected {self._expected}")


class Content(io.RawIOBase):
    """What comes back. Fewer bytes than announced are an error, never the end.

    Args:
        mapped: Maps errors of the line.
    """

    def __init__(self, response: BaseHTTPResponse, *, mapped: Callable[[], AbstractContextManager[None]]) -> None:
        self._response = response
        self._mapped = mapped
        self._left = int(response.headers.get("content-length", 0))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        with self._mapped():
            piece = self._response.read(len(buffer))
        buffer[: len(piece)] = piece
        self._count(len(piece))
        return len(piece)

    def readall(self) -> bytes:
        with self._mapped():
            content = self._response.read()
        self._count(len(content))
        self._count(0)
        return content

    def close(self) -> None:
        if not self.closed:
            if self._left:
                self._response.close()  # a connection with an unread rest is of no more use
            self._response.release_conn()
        super().close()

    def _count(self, read: int) -> None:
        self._left -= read
        if self._left < 0 or (not read and self._left):
            raise Unavailable("the S3 service broke off in the middle of a file")
