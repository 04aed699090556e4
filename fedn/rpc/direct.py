"""A file straight from the store that holds it, by a URL that the reducer had signed.

Whoever knows such a URL has the file: none of these messages shows more of it than where it leads.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import httpx

from fedn.core.model import File, Presigned
from fedn.errors import (
    Corrupt,
    DeadlineExceeded,
    FednError,
    Forbidden,
    InvalidInput,
    NotFound,
    Unauthenticated,
    Unavailable,
    WrongService,
)
from fedn.rpc.chunks import check_received

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
"""Seconds for a connection and between any two bytes: soon over, since there is another way to the file."""


def fetch(source: Presigned, target: Path, file: File, *, seconds: float) -> None:
    """GET a file into `target`; where the line breaks, go on at the byte that is there, as long as more comes.

    Args:
        seconds: How long all of it may take.

    Raises:
        Corrupt: Other content than `file` promises; `target` is gone then.
        DeadlineExceeded: It took longer.
        Forbidden: The store refuses the URL, which may have run out.
        InvalidInput: No URL that can be fetched.
        NotFound: The store has no such file.
        Unauthenticated: Who answers shows a certificate that is not to be trusted.
        Unavailable: Nobody is there, or the line breaks.
        WrongService: Who answers is no store of files.
    """
    where = _where(source.url)
    with _client(source, where) as client, target.open("wb") as sink:
        deadline = time.monotonic() + seconds
        while (held := sink.tell()) < file.size:
            try:
                with _mapped(where):
                    _receive(client, source.url, sink, file, where=where, deadline=deadline)
            except Unavailable:
                if sink.tell() == held:
                    raise
            else:
                break
    check_received(target, file)


def _receive(client: httpx.Client, url: str, sink: BinaryIO, file: File, *, where: str, deadline: float) -> None:
    """One request: append what comes to the sink, up to the file's end."""
    held = sink.tell()
    headers = {"accept-encoding": "identity"}
    if held:
        headers["range"] = f"bytes={held}-"
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code != (206 if held else 200):
            raise _refused(response, where)
        for piece in response.iter_raw():
            if sink.tell() + len(piece) > file.size:
                raise Corrupt(f"{where} sends more of {file.id} than its {file.size} bytes")
            sink.write(piece)
            if time.monotonic() > deadline:
                raise DeadlineExceeded(f"{where} is too slow: {sink.tell()} of {file.size} bytes in time")


def _where(url: str) -> str:
    """Scheme, host and port, to be shown."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InvalidInput("the URL of the store can't be read") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise InvalidInput("the URL of the store is neither http nor https")
    return f"{parsed.scheme}://{parsed.netloc.rpartition(b'@')[2].decode()}"


def _client(source: Presigned, where: str) -> httpx.Client:
    try:
        context = ssl.create_default_context(cadata=source.ca_pem or None)
    except (ssl.SSLError, ValueError) as error:
        raise InvalidInput(f"the CA that comes with the URL of {where} can't be read: {error}") from error
    # The environment's proxies and passwords are for the web.
    return httpx.Client(verify=context, timeout=TIMEOUT, trust_env=False, follow_redirects=False)


def _refused(response: httpx.Response, where: str) -> FednError:
    """What an answer without the file stands for. Its text may repeat what is secret of the URL, so only a code of S3
    is taken from it.
    """
    status = response.status_code
    found = re.search(rb"<Code>(\w{1,50})</Code>", next(response.iter_raw(), b""))
    said = f"{status} {found[1].decode()}" if found else f"{status}"
    if status == 403:
        return Forbidden(
            f"{where} refuses the URL: {said}", hint="it may have run out: are the clocks of reducer and store right?"
        )
    if status == 404:
        return NotFound(f"{where} has no such file: {said}")
    if status >= 500:
        return Unavailable(f"{where} failed: {said}")
    return WrongService(f"{where} answers {said}, and not with what it was asked for")


@contextmanager
def _mapped(where: str) -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException as error:
        raise Unavailable(f"{where} did not answer in time") from error
    except httpx.TransportError as error:
        reason = str(error) or type(error).__name__
        if "CERTIFICATE_VERIFY_FAILED" in reason:
            raise Unauthenticated(f"{where} shows a certificate that can't be trusted ({reason})") from error
        raise Unavailable(f"no answer from {where}: {reason}") from error
