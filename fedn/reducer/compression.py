"""Pages and JSON sent as gzip (RFC 9110, section 8.4) to those who accept it.

Lengths of compressed pages tell nobody the CSRF value that stands in them: to learn it by length, another site would
have to make a browser ask for pages with text of its choice in them, time and again. The cookie is `SameSite=Strict`,
so what other sites make a browser ask for comes without it, and is answered with no such page.
"""

from __future__ import annotations

import gzip

from flask import Response, request

LONG = 8 << 10
"""Bytes from which an answer is compressed."""

_LEVEL = 1
"""Of gzip: the fastest. The next ones take longer for little."""

_TYPES = ("text/html", "application/json")


def compressed(response: Response) -> Response:
    """The response, compressed where that is worth it and wanted; streams, files and parts of them stay as they are."""
    if response.mimetype not in _TYPES or response.is_streamed or response.direct_passthrough:
        return response
    response.vary.add("Accept-Encoding")
    if (
        response.status_code == 206
        or "Content-Encoding" in response.headers
        or request.accept_encodings["gzip"] <= 0
        or (response.calculate_content_length() or 0) < LONG
    ):
        return response
    response.set_data(gzip.compress(response.get_data(), _LEVEL, mtime=0))  # with its Content-Length
    response.headers["Content-Encoding"] = "gzip"
    tag, is_weak = response.get_etag()
    if tag is not None and not is_weak:  # that was of the bytes before they were compressed
        response.set_etag(tag, weak=True)
    return response
