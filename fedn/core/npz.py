"""The ZIP container of `.npz` files, read strictly and written so that it can be mapped.

`zipfile` forgives what a model must not have (bytes before or after the archive, a name twice) and doesn't say where a
member's bytes lie, which is what mapping needs. Read is what numpy writes: members stored or deflated, ZIP64 where
sizes call for it. Written are stored members only, whose contents start at a multiple of 64 bytes in the file.

Format: PKWARE APPNOTE.TXT 6.3, sections 4.3 and 4.5.3.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence

from fedn.errors import InvalidModel, TooLarge

Buffer = bytes | memoryview

ALIGNMENT = 64
ZIP64_FROM = 0xFFFFFFFF
"""Sizes and offsets from here on are written in the ZIP64 way."""

LONGEST_NAME = 0xFFFF
"""Bytes."""

_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF8 = 0x1, 0x800
_FULL = 0xFFFFFFFF  # in a 32-bit field: the value is in the ZIP64 extra field
_FULL_COUNT = 0xFFFF
_DATE = 33  # 1 January 1980, the first the format knows: equal weights make equal files
_PADDING = 0xD935  # extra field that Android's zipalign pads with; other readers skip it

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_EXTRA = struct.Struct("<2H")


def members(data: memoryview, *, limit: int) -> Iterator[tuple[str, memoryview]]:
    """Name and content of each member, in the order of the directory.

    Stored members are views of `data`, and their CRC is left to whoever checks the digest of the whole file; deflated
    ones are inflated and checked.

    Raises:
        InvalidModel: `data` is no whole archive of this kind.
        TooLarge: the deflated members hold more than `limit` bytes together.
    """
    try:
        yield from _members(data, limit)
    except (struct.error, OverflowError, UnicodeDecodeError, zlib.error) as error:
        raise InvalidModel(f"the archive is damaged: {error}") from None


def _members(data: memoryview, limit: int) -> Iterator[tuple[str, memoryview]]:
    position, end, count = _directory(data)
    seen = set()
    for _ in range(count):
        entry = _CENTRAL.unpack_from(data, position)
        signature, flags, method, crc = entry[0], entry[3], entry[4], entry[7]
        if signature != b"PK\x01\x02" or flags & _ENCRYPTED or method not in (_STORED, _DEFLATED):
            raise InvalidModel("the archive has a member that is encrypted, damaged or of an unknown compression")
        name_end = position + _CENTRAL.size + entry[10]
        name = str(data[position + _CENTRAL.size : name_end], "utf-8" if flags & _UTF8 else "cp437")
        position = name_end + entry[11] + entry[12]
        size, packed, offset = _wide(data[name_end : name_end + entry[11]], entry[9], entry[8], entry[16])
        if name in seen:
            raise InvalidModel(f"the archive has two members named {name!r}")
        seen.add(name)
        local = _LOCAL.unpack_from(data, offset)
        start = offset + _LOCAL.size + local[9] + local[10]
        if local[0] != b"PK\x03\x04" or start + packed > end or position > len(data):
            raise InvalidModel(f"the archive is damaged: member {name!r} lies outside of it")
        content = data[start : start + packed]
        if method == _DEFLATED:
            limit -= size
            if limit < 0:
                raise TooLarge(f"member {name!r} would inflate to {size} bytes, over the limit")
            content = _inflate(name, content, size=size, crc=crc)
        elif packed != size:
            raise InvalidModel(f"the archive is damaged: member {name!r} has two sizes")
        yield name, content


def _directory(data: memoryview) -> tuple[int, int, int]:
    """Offset of the first directory entry, end of the members, and their count."""
    at = max(len(data) - _END.size, 0)
    signature, _, _, _, count, size, offset, comment = _END.unpack_from(data, at)
    if signature != b"PK\x05\x06":
        raise InvalidModel("the archive is cut short, or has bytes after its end")
    before = max(at - _LOCATOR.size, 0)
    located = bytes(data[before : before + 4]) == b"PK\x06\x07"
    # zipfile writes a ZIP64 directory from 2 GiB on, and leaves in the other one the values that fit into it.
    if count == _FULL_COUNT or _FULL in (size, offset) or (located and offset + size != at):
        _, _, end64, _ = _LOCATOR.unpack_from(data, before)
        if not located or end64 + _END64.size != before:
            raise InvalidModel("the archive is damaged: its ZIP64 directory is missing")
        at = end64
        short = (count, size, offset)
        _, _, _, _, _, _, _, count, size, offset = _END64.unpack_from(data, at)
        pairs = zip(short, (count, size, offset), (_FULL_COUNT, _FULL, _FULL), strict=True)
        if any(narrow not in (wide, full) for narrow, wide, full in pairs):
            raise InvalidModel("the archive is damaged: its two directories differ")
    if comment or offset + size != at:
        raise InvalidModel("the archive is damaged: bytes are missing or too many")
    return offset, offset, count


def _wide(extra: memoryview, *values: int) -> tuple[int, ...]:
    """The values of a directory entry, those that didn't fit into 32 bits from the ZIP64 extra field."""
    while len(extra) >= _EXTRA.size and _FULL in values:
        kind, length = _EXTRA.unpack_from(extra)
        if kind == 1:
            wide = iter(struct.unpack_from(f"<{values.count(_FULL)}Q", extra, _EXTRA.size))
            return tuple(next(wide) if value == _FULL else value for value in values)
        extra = extra[_EXTRA.size + length :]
    return values


def _inflate(name: str, content: memoryview, *, size: int, crc: int) -> memoryview:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflater.decompress(content, size + 1)  # one more than promised, to notice a lie
    if len(inflated) != size or not inflater.eof or inflater.unused_data or zlib.crc32(inflated) != crc:
        raise InvalidModel(f"the archive is damaged: member {name!r} differs from its checksum")
    return memoryview(inflated)


def chunks(contents: Iterable[tuple[str, Sequence[Buffer]]]) -> Iterator[Buffer]:
    """The bytes of an archive of stored members, piece by piece; each member's content is given in pieces too."""
    directory: list[bytes] = []
    offset = 0
    for name, pieces in contents:
        size, crc = 0, 0
        for piece in pieces:
            size, crc = size + len(piece), zlib.crc32(piece, crc)
        header, entry = _headers(name, size=size, crc=crc, offset=offset)
        directory.append(entry)
        offset += len(header) + size
        yield header
        yield from pieces
    table = b"".join(directory)
    yield table
    yield _end(count=len(directory), size=len(table), offset=offset)


def _headers(name: str, *, size: int, crc: int, offset: int) -> tuple[bytes, bytes]:
    """A member's local header, padded to the alignment, and its directory entry."""
    raw = name.encode()
    if len(raw) > LONGEST_NAME:
        raise InvalidModel(f"the name {name[:40]}… of an array is longer than an archive takes", hint="shorten it")
    flags = 0 if name.isascii() else _UTF8
    wide = size >= ZIP64_FROM or offset >= ZIP64_FROM
    sizes = (_FULL, _FULL) if wide else (size, size)
    version = 45 if wide else 20
    local_extra = _EXTRA.pack(1, 16) + struct.pack("<2Q", size, size) if wide else b""
    central_extra = _EXTRA.pack(1, 24) + struct.pack("<3Q", size, size, offset) if wide else b""
    padding = -(offset + _LOCAL.size + len(raw) + len(local_extra) + _EXTRA.size) % ALIGNMENT
    local_extra += _EXTRA.pack(_PADDING, padding) + bytes(padding)
    common = (flags, _STORED, 0, _DATE, crc, *sizes, len(raw))
    local = _LOCAL.pack(b"PK\x03\x04", version, *common, len(local_extra))
    place = _FULL if wide else offset
    central = _CENTRAL.pack(b"PK\x01\x02", version, version, *common, len(central_extra), 0, 0, 0, 0, place)
    return local + raw + local_extra, central + raw + central_extra


def _end(*, count: int, size: int, offset: int) -> bytes:
    if count < _FULL_COUNT and max(size, offset) < ZIP64_FROM:
        return _END.pack(b"PK\x05\x06", 0, 0, count, count, size, offset, 0)
    end64 = _END64.pack(b"PK\x06\x06", _END64.size - 12, 45, 45, 0, 0, count, count, size, offset)
    locator = _LOCATOR.pack(b"PK\x06\x07", 0, offset + size, 1)
    return end64 + locator + _END.pack(b"PK\x05\x06", 0, 0, _FULL_COUNT, _FULL_COUNT, _FULL, _FULL, 0)
