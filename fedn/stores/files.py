"""The artifact store in a folder: the default on one machine."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from fedn.errors import Corrupt, InvalidInput, NotFound, Unavailable
from fedn.stores.protocols import Stored, check_key

PIECE = 1 << 20
"""Bytes copied and hashed at a time."""

UNFINISHED = ".unfinished-"
"""How the names of files begin that are being written; no key begins with a dot."""


class FileArtifactStore:
    """An `ArtifactStore` of one folder a bucket and one file a key.

    Opening removes what a killed process left unfinished, so the folder must be this process's own: take its `Lease`
    first.

    Args:
        sweep: Whether to do so; without it, another process may be at work in the folder.
    """

    def __init__(self, root: Path, *, sweep: bool = True) -> None:
        self._root = root
        with _mapped_errors(f"open {root}"):
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for leftover in root.glob(f"*/{UNFINISHED}*") if sweep else ():
                leftover.unlink()

    def put(self, bucket: str, key: str, source: Path | bytes | BinaryIO, *, sha256: str | None = None) -> Stored:
        target = self._target(bucket, key)
        with _mapped_errors(f"store {target}"):
            if not target.parent.exists():
                target.parent.mkdir(exist_ok=True)
                _sync_folder(self._root)
            unfinished = target.with_name(UNFINISHED + secrets.token_hex(8))
            try:
                with unfinished.open("xb") as file, opened(source) as stream:
                    stored = _copy(stream, file)
                if sha256 is not None and stored.sha256 != sha256:
                    raise Corrupt(f"{bucket}/{key} has SHA-256 {stored.sha256}, expected {sha256}")
                unfinished.replace(target)
            except BaseException:
                unfinished.unlink(missing_ok=True)
                raise
            _sync_folder(target.parent)
        return stored

    def open(self, bucket: str, key: str) -> BinaryIO:
        target = self._target(bucket, key)
        with _mapped_errors(f"read {target}"):
            try:
                return target.open("rb")
            except FileNotFoundError:
                raise _not_found(bucket, key) from None

    def path(self, bucket: str, key: str) -> Path:
        target = self._target(bucket, key)
        if not target.exists():
            raise _not_found(bucket, key)
        return target

    def read(self, bucket: str, key: str, *, offset: int = 0, length: int | None = None) -> bytes:
        if offset < 0 or (length is not None and length < 0):
            raise InvalidInput(f"can't read {length} bytes from {offset}")
        with self.open(bucket, key) as file, _mapped_errors(f"read {bucket}/{key}"):
            file.seek(offset)
            return file.read(-1 if length is None else length)

    def size(self, bucket: str, key: str) -> int | None:
        target = self._target(bucket, key)
        with _mapped_errors(f"read {target}"):
            try:
                return target.stat().st_size
            except FileNotFoundError:
                return None

    def list(self, bucket: str) -> list[str]:
        folder = self._target(bucket, "any").parent
        with _mapped_errors(f"list {folder}"):
            if not folder.exists():
                return []
            return sorted(file.name for file in folder.iterdir() if not file.name.startswith(UNFINISHED))

    def delete(self, bucket: str, key: str) -> None:
        target = self._target(bucket, key)
        with _mapped_errors(f"delete {target}"):
            try:
                target.unlink()
            except FileNotFoundError:
                return
            _sync_folder(target.parent)

    def presign(self, bucket: str, key: str, *, seconds: float) -> None:
        check_key(bucket, key)  # files have no URL

    def check(self) -> str:
        probe = self._root / f"{UNFINISHED}{secrets.token_hex(8)}"
        with _mapped_errors(f"write to {self._root}"):
            try:
                probe.write_bytes(b"check")
                probe.read_bytes()
            finally:
                probe.unlink(missing_ok=True)
            free = shutil.disk_usage(self._root).free
        return f"files in {self._root}, {free / 1e9:.1f} GB free"

    def close(self) -> None:
        """Nothing is held open."""

    def _target(self, bucket: str, key: str) -> Path:
        check_key(bucket, key)
        return self._root / bucket / key


def _not_found(bucket: str, key: str) -> NotFound:
    return NotFound(f"no {key} in {bucket}")


@contextmanager
def _mapped_errors(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(f"can't {what}: {error}") from error


@contextmanager
def opened(source: Path | bytes | BinaryIO) -> Iterator[BinaryIO]:
    """What is to be stored, as a stream; only a file is closed at the end."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            yield file
    else:
        yield BytesIO(source) if isinstance(source, bytes) else source


def _copy(source: BinaryIO, target: BinaryIO) -> Stored:
    digest, size = hashlib.sha256(), 0
    while piece := source.read(PIECE):
        digest.update(piece)
        size += target.write(piece)
    target.flush()
    os.fsync(target.fileno())
    return Stored(size, digest.hexdigest())


def _sync_folder(folder: Path) -> None:
    """Makes renames within the folder outlast a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
