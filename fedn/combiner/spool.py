"""Files on their way through a combiner: the staged models, the clients' uploads, the partials to be fetched.

Nothing here outlives the process: what a crash left is swept at the start, since its clients deliver again. All disk
work runs in threads; the methods that touch only memory are plain.
"""

from __future__ import annotations

import asyncio
import shutil
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from fedn.combiner.upload import Upload
from fedn.core.model import File
from fedn.errors import Corrupt, InvalidUpdate, NotFound, StaleRevision, TooLarge

IDLE_SECONDS = 900.0
"""An upload that nothing was added to for so long is given up."""

KEPT_MODELS = 3
"""Staged models kept: that of the running round, its successor, and one for a client that comes late."""

Fetch = Callable[[Path], Awaitable[None]]
"""Brings a file to a path, whole and as promised, or raises."""


@dataclass(frozen=True)
class Staged:
    """A file that is served from here: on disk, or in memory when small."""

    file: File
    content: Path | bytes
    partial: bool = False
    """A sum that was made here: for the reducer alone, and fetched once."""


class Spool:
    """The folder and what is in it.

    Args:
        folder: Made empty at the start.
        limit: Bytes that uploads may take up together.
    """

    def __init__(self, folder: Path, *, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._staged: dict[str, Staged] = {}
        self._staging: dict[str, asyncio.Lock] = {}
        self._uploads: dict[tuple[str, str], Upload] = {}
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    async def stage(self, file: File, *, data: bytes, fetch: Fetch) -> Staged:
        """Have a model here, from `data` if it came along, else by `fetch`; one that is here already is not fetched.

        Raises:
            FednError: It can't be fetched as it is to be.
        """
        async with self._staging.setdefault(file.id, asyncio.Lock()):
            if file.id not in self._staged:
                self._staged[file.id] = Staged(file, data or await self._fetched(fetch))
        self._staging.pop(file.id, None)
        staged = self._staged[file.id] = self._staged.pop(file.id)  # the newest goes last
        for former in list(self._staged)[:-KEPT_MODELS]:
            await self.drop(former)
        return staged

    async def _fetched(self, fetch: Fetch) -> Path:
        path = self.new_path()
        try:
            await fetch(path)
        except BaseException:
            await asyncio.to_thread(path.unlink, missing_ok=True)
            raise
        return path

    @property
    def newest_model(self) -> str:
        """Id of the model staged last; empty before the first."""
        return next((file_id for file_id, staged in reversed(self._staged.items()) if not staged.partial), "")

    def offer(self, staged: Staged) -> None:
        """Serve a partial made here, until `drop`."""
        self._staged[staged.file.id] = replace(staged, partial=True)

    def staged(self, file_id: str, *, partials: bool = False) -> Staged:
        """A file that is served from here.

        Args:
            partials: Whether it may be a partial. Clients get none: of the sum of two, one can tell the other's part.

        Raises:
            NotFound: No such file.
        """
        staged = self._staged.get(file_id)
        if staged is None or (staged.partial and not partials):
            raise NotFound(f"no model {file_id} at this combiner")
        return staged

    async def drop(self, file_id: str) -> None:
        """Stop serving a file; who has it open reads on."""
        staged = self._staged.pop(file_id, None)
        if staged is not None and isinstance(staged.content, Path):
            await asyncio.to_thread(staged.content.unlink, missing_ok=True)

    def held(self, client: str, file_id: str) -> Upload | None:
        return self._uploads.get((client, file_id))

    async def begin(self, client: str, file_id: str, *, total: int, sha256: str, offset: int) -> Upload:
        """Start an upload at 0, or go on with one that was cut off.

        Args:
            total: Bytes of the file; 0 when the client doesn't say.
            sha256: Digest of the file; empty when the client doesn't say.

        Raises:
            StaleRevision: Nothing is held of what is to go on.
            TooLarge: The spool has no room for it.
        """
        key = (client, file_id)
        if offset > 0:
            if key not in self._uploads:
                raise StaleRevision(f"nothing is held of upload {file_id}", hint="start it anew")
            return self._uploads[key]
        while key in self._uploads:
            await self.discard(client, file_id)
        self._check_room(total)
        upload = self._uploads[key] = Upload(key, self.new_path(), total, sha256)
        return upload

    async def append(self, upload: Upload, data: bytes, *, at: int) -> None:
        """Add bytes to an upload whose end is `at`.

        Raises:
            StaleRevision: Its end is elsewhere: another stream got ahead.
            Corrupt: It is longer than announced; the upload is discarded and must start anew.
            TooLarge: The spool has no room for it.
        """
        if not upload.total:
            self._check_room(len(data))
        elif at + len(data) > upload.total:
            await self._forget(upload)
            raise Corrupt(f"upload {upload.key[1]} is longer than the {upload.total} bytes announced")
        await asyncio.to_thread(upload.append, data, at=at)

    async def finish(self, upload: Upload) -> None:
        """The last byte is here.

        Raises:
            Corrupt: Size or digest differ from what was announced; the upload is discarded and must start anew.
        """
        if not await asyncio.to_thread(upload.close):
            await self._forget(upload)
            raise Corrupt(f"upload {upload.key[1]} is not what was announced: {upload.held} bytes arrived")

    def take(self, client: str, file_id: str) -> Upload:
        """Hand a whole upload over to who uses it and then deletes its file; no client can touch it any more.

        Raises:
            InvalidUpdate: It isn't here, or not whole.
        """
        upload = self._uploads.get((client, file_id))
        if upload is None or not upload.whole:
            raise InvalidUpdate(f"update {file_id} was not uploaded", hint="upload it first, and to its last byte")
        return self._uploads.pop(upload.key)

    async def discard(self, client: str, file_id: str) -> None:
        """Delete an upload, if there is one."""
        upload = self._uploads.get((client, file_id))
        if upload is not None:
            await self._forget(upload)

    async def _forget(self, upload: Upload) -> None:
        if self._uploads.get(upload.key) is upload:
            del self._uploads[upload.key]
        await asyncio.to_thread(upload.delete)

    def _check_room(self, size: int) -> None:
        room = self._limit - sum(max(upload.total, upload.held) for upload in self._uploads.values())
        if size > room:
            raise TooLarge(
                f"an upload of {size} bytes; this combiner has room for {room}",
                hint="raise spool_bytes of the combiner, or ask fewer clients at once",
            )

    async def sweep(self) -> None:
        """Give up the uploads that nothing happens to."""
        now = time.monotonic()
        for upload in list(self._uploads.values()):
            if now - upload.touched > IDLE_SECONDS:
                await self._forget(upload)

    def new_path(self) -> Path:
        return self._folder / uuid.uuid4().hex
