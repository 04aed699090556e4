"""Files that responses bring, streamed from the artifact store."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import BinaryIO

from flask import Response

_PIECE = 1 << 18


def download(stream: BinaryIO, *, size: int, sha256: str, name: str = "") -> Response:
    """A file with its length and digest (RFC 9530); as an attachment, where it has a name. Closes the stream."""
    response = Response(_pieces(stream), mimetype="application/octet-stream")
    response.call_on_close(stream.close)
    response.content_length = size
    response.set_etag(sha256)
    response.headers["Repr-Digest"] = f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"
    if name:
        response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    while piece := stream.read(_PIECE):
        yield piece
