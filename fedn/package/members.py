"""The members of an archive that somebody sent, read in one pass and trusted in nothing."""

from __future__ import annotations

import bz2
import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from fedn.errors import InvalidPackage, TooLarge

_BLOCK = 1 << 16
_NAME_BYTES = 255  # what a file system takes for one part of a path


@dataclass(frozen=True)
class Limits:
    """How much a package may hold."""

    size: int = 1 << 30
    """Bytes of everything unpacked, the archive's own headers included."""
    members: int = 10_000
    """Files and folders."""


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Member:
    """A file or folder of an archive."""

    path: PurePosixPath
    """Relative, without `..`; unique among the files."""
    executable: bool
    content: IO[bytes] | None
    """What the file holds, to be read before the next member is asked for; None for a folder."""


def read_members(archive: Path, *, limits: Limits) -> Iterator[Member]:
    """Every member in the archive's order, then the check of the compressed stream to its end.

    Raises:
        InvalidPackage: Not a gzip or bzip2 compressed tar file, a damaged one, a link or device, a path that leaves the
            archive, or two members of one name.
        TooLarge: Over `limits`, counted in what was really unpacked.
    """
    with archive.open("rb") as file:
        stream = _Counted(_decompressed(file, archive.name), limits.size)
        files: set[PurePosixPath] = set()
        folders: set[PurePosixPath] = set()
        try:
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                for count, info in enumerate(tar, start=1):
                    if count > limits.members:
                        raise TooLarge(f"{archive.name} holds more than {limits.members} files and folders")
                    path = _checked(info, archive.name)
                    parents = set(path.parents)
                    if path in files or files & parents or (path in folders and not info.isdir()):
                        raise InvalidPackage(f"{archive.name} holds {path} twice")
                    folders |= parents | ({path} if info.isdir() else set())
                    files |= set() if info.isdir() else {path}
                    yield Member(path, bool(info.mode & 0o100), tar.extractfile(info))
            while stream.read(_BLOCK):  # the stream's checksum comes last
                pass
        except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, OverflowError) as error:
            raise InvalidPackage(f"{archive.name} is damaged: {error}", hint="build or upload it again") from None


def _checked(info: tarfile.TarInfo, archive: str) -> PurePosixPath:
    path = PurePosixPath(info.name)
    if path.is_absolute() or ".." in path.parts:
        raise InvalidPackage(f"{archive} holds {info.name!r}, a path that leads out of it")
    if "\0" in info.name or any(len(part.encode(errors="surrogateescape")) > _NAME_BYTES for part in path.parts):
        raise InvalidPackage(f"{archive} holds a file whose name no file system takes: {info.name[:80]!r}")
    if info.issparse() or not (info.isreg() or info.isdir()):
        raise InvalidPackage(
            f"{archive} holds {info.name}, which is a link or device", hint="a compute package is plain files"
        )
    return path


def _decompressed(file: IO[bytes], name: str) -> gzip.GzipFile | bz2.BZ2File:
    magic = file.read(3)
    file.seek(0)
    if magic[:2] == b"\x1f\x8b":
        return gzip.open(file)
    if magic == b"BZh":
        return bz2.open(file)
    raise InvalidPackage(f"{name} is not a compute package", hint="expected a .tar.gz, .tgz or .tar.bz2 file")


class _Counted(io.RawIOBase):
    """Reads no more than `limit` bytes: what a few kilobytes unpack to shows only on the way."""

    def __init__(self, source: gzip.GzipFile | bz2.BZ2File, limit: int) -> None:
        super().__init__()
        self._source = source
        self._limit = limit
        self._count = 0

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._count += len(data)
        if self._count > self._limit:
            raise TooLarge(f"the package unpacks to more than {self._limit} bytes")
        return data
