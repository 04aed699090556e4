"""What a peer sends: gathered as it comes, without a thread that waits for it, then taken apart as RFC 9112 has it.

Whatever could be read in two ways is refused: where a proxy stands before the reducer, both must see the same requests.
"""

from __future__ import annotations

import io
import re
import ssl
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Protocol

from cheroot.server import HeaderReader, comma_separated_headers  # type: ignore[attr-defined]

from fedn.errors import InvalidInput

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

HEAD_BYTES = 1 << 15
"""Longest head of a request: its first line and its headers."""

AHEAD_BYTES = 1 << 14
"""Bodies up to this length are gathered with the head."""

_PIECE = 1 << 16  # no record of TLS is longer: nothing that has come stays behind in the TLS layer
_LINE = 256
_TRAILERS = 16
_DRAINED = 16

_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)
_NAME = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HOST = re.compile(rb"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:([0-9]{1,5}))?")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(;[^\r\n]*)?\r\n")
_ONCE = (b"Authorization", b"Content-Length", b"Host", b"Transfer-Encoding")


Fields = MutableMapping[bytes, bytes]


class Readable(Protocol):
    def readline(self) -> bytes: ...


class Incoming:
    """What comes from a peer."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self._socket = sock
        self._held = bytearray()
        self.closed = False
        self.bytes_read = 0

    @property
    def empty(self) -> bool:
        """Whether nothing is held."""
        return not self._held

    def has_data(self) -> bool:
        """Whether there is more to do before more has come."""
        return self._socket.pending() > 0 or (bool(self._held) and self._whole())

    def gather(self) -> bool:
        """Take what has come, without waiting, until a request can be served; whether one can be.

        Raises:
            EOFError: The peer left.
        """
        while not self._whole():
            try:
                piece = self._take()
            except ssl.SSLWantReadError:
                return False
            if not piece:
                raise EOFError
            self._held += piece
        return True

    def drain(self) -> bool:
        """Drop what has come, without waiting; whether the peer is still there."""
        self._held.clear()
        try:
            return all(self._take() for _ in range(_DRAINED))
        except ssl.SSLWantReadError:
            return True

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer as far as something is there, after a wait for something; 0 at the end."""
        if not self._held:
            return self._wait_for(buffer)
        count = min(len(buffer), len(self._held))
        buffer[:count] = self._held[:count]
        del self._held[:count]
        return count

    def readline(self, size: int = _LINE) -> bytes:
        """Up to `size` bytes, to the end of a line at most."""
        while (end := self._held.find(b"\n", 0, size) + 1) == 0 and len(self._held) < size:
            piece = bytearray(_PIECE)
            count = self._wait_for(memoryview(piece))
            if not count:
                break
            self._held += piece[:count]
        line = bytes(self._held[: end or size])
        del self._held[: len(line)]
        return line

    def skip(self, count: int) -> bool:
        """Drop so many bytes, if they are here already; whether they were."""
        if len(self._held) < count:
            return False
        del self._held[:count]
        return True

    def close(self) -> None:
        self.closed = True
        self._held.clear()

    def _wait_for(self, buffer: memoryview) -> int:
        try:
            return self._socket.recv_into(buffer)
        except OSError as error:
            raise InvalidInput("the body of the request stopped coming") from error

    def _take(self) -> bytes:
        patience = self._socket.gettimeout()
        self._socket.settimeout(0)
        try:
            return self._socket.recv(_PIECE)
        finally:
            self._socket.settimeout(patience)

    def _whole(self) -> bool:
        """Whether the head of a request is held, and its body if that is short; or more than a head may have."""
        end = self._held.find(_END)
        if end < 0:
            return len(self._held) > HEAD_BYTES
        given = _LENGTH.search(self._held, 0, end + 2)
        length = int(given[1]) if given else 0
        return length > AHEAD_BYTES or len(self._held) >= end + len(_END) + length


class Body(io.RawIOBase):
    """The body of a request, of a length that is known."""

    def __init__(self, incoming: Incoming, length: int) -> None:
        self._incoming = incoming
        self._left = length

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        with memoryview(buffer).cast("B") as target:
            count = self._incoming.readinto(target[: self._left]) if self._left else 0
        self._left -= count
        return count

    def skip(self) -> bool:
        """Drop what nobody read of it, as far as that takes no waiting; whether that is all."""
        if self._incoming.skip(self._left):
            self._left = 0
        return not self._left


class Chunks(io.RawIOBase):
    """The body of a request, in chunks (RFC 9112, section 7.1)."""

    def __init__(self, incoming: Incoming) -> None:
        self._incoming = incoming
        self._left = 0
        self._over = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        if not self._left and not self._over:
            self._begin()
        if self._over:
            return 0
        with memoryview(buffer).cast("B") as target:
            count = self._incoming.readinto(target[: self._left])
        if not count:
            raise InvalidInput("the body of the request ended within a chunk")
        self._left -= count
        if not self._left and self._incoming.readline(2) != b"\r\n":
            raise InvalidInput("a chunk of the request's body is longer than it says")
        return count

    def skip(self) -> bool:
        """Whether all of it was read."""
        return self._over

    def _begin(self) -> None:
        line = self._incoming.readline(_LINE)
        size = _SIZE.fullmatch(line)
        if size is None:
            raise InvalidInput("a chunk of the request's body doesn't say its size")
        self._left = int(size[1], 16)
        if not self._left:
            self._end()

    def _end(self) -> None:
        """Read past the trailers, which mean nothing here."""
        for _ in range(_TRAILERS):
            if self._incoming.readline(_LINE) == b"\r\n":
                self._over = True
                return
        raise InvalidInput("the request's body has too many trailers")


class Headers(HeaderReader):
    """Reads the headers of a request. ValueError, which is answered with 400, for what could be read in two ways."""

    def __call__(self, rfile: Readable, hdict: Fields | None = None) -> Fields:
        found: Fields = {} if hdict is None else hdict
        while (line := rfile.readline()) != b"\r\n":
            name, value = _header(line)
            if b"_" in name:
                continue  # to the application it would be as one with `-`
            if name in found and name in _ONCE:
                raise ValueError(f"The header {name.decode()} is given twice.")
            is_list = name in found and name in comma_separated_headers
            found[name] = b", ".join((found[name], value)) if is_list else value
        _check_framing(found)
        return found


def _header(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    text = value.removesuffix(b"\r\n")
    if not colon or not _NAME.fullmatch(name) or text == value or any(one in text for one in b"\r\0"):
        raise ValueError("Illegal header line.")
    return name.title(), text.strip(b" \t")


def _check_framing(headers: Fields) -> None:
    """Refuse a request that doesn't say in one way how long it is, or for whom."""
    length, coding, host = (headers.get(name) for name in (b"Content-Length", b"Transfer-Encoding", b"Host"))
    if length is not None and (coding is not None or not re.fullmatch(rb"[0-9]{1,18}", length)):
        raise ValueError("The length of the body is not clear.")
    if coding is not None and coding.lower() != b"chunked":
        raise ValueError("The body may be chunked, and nothing else.")
    if host:
        asked = _HOST.fullmatch(host)
        if asked is None or int(asked[3] or 0) > 65535:
            raise ValueError("The header Host is not a host.")
