"""Files that requests bring: streamed to disk, never into memory, and gone when the request is over."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO

from flask import Request, request
from werkzeug.exceptions import RequestEntityTooLarge

from fedn.errors import InvalidInput, TooLarge
from fedn.reducer.context import services

_PIECE = 1 << 16
_FORM_BYTES = 1 << 16  # what a form may hold beside its file


class UploadRequest(Request):
    """Keeps the files of a form on the disk that the data folder is on."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        return TemporaryFile(dir=services().scratch)


@contextmanager
def received(*, form_field: str, limit: int, setting: str) -> Iterator[Path]:
    """The file that the current request brings, as its body or as a field of its form, until the block ends.

    Args:
        limit: Most bytes that it may have.
        setting: Name of the setting that says so.

    Raises:
        InvalidInput: There is none, or it is empty.
        TooLarge: It is over the limit.
    """
    is_form = request.mimetype == "multipart/form-data"
    request.max_content_length = limit + _FORM_BYTES if is_form else limit
    with TemporaryDirectory(dir=services().scratch, prefix="upload-") as scratch:
        path = Path(scratch) / "the file"  # as errors call it
        try:
            with path.open("wb") as target:
                shutil.copyfileobj(_form_file(form_field) if is_form else request.stream, target, _PIECE)
        except RequestEntityTooLarge:
            raise TooLarge(
                f"the file is over the limit of {limit} bytes", hint=f"raise {setting} in the reducer's settings"
            ) from None
        if path.stat().st_size == 0:
            raise InvalidInput("the request brings no file, or an empty one", hint="send its bytes as the body")
        yield path


def _form_file(field: str) -> IO[bytes]:
    part = request.files.get(field)
    if part is None:
        raise InvalidInput(f"the form has no file {field!r}")
    return part.stream
