"""Files straight from a store: what comes, what is refused, and what becomes of a line that breaks."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from proxy import Proxy
from servers import S3Server, free_port, running
from waiting import DEADLINE

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
from fedn.rpc.direct import fetch
from fedn.security.digest import sha256_bytes
from fedn.security.tls import Authority, new_key_and_request
from fedn.stores.s3 import S3ArtifactStore

if sys.version_info < (3, 11):
    pytest.skip("the S3 server of the tests needs Python 3.11", allow_module_level=True)

CONTENT = bytes(range(256)) * (24 << 10)  # 6 MiB
FILE = File("m", len(CONTENT), sha256_bytes(CONTENT))
SHORT = b"0123456789"
SHORT_FILE = File("short", len(SHORT), sha256_bytes(SHORT))
MODELS = "fedn-models"
SECRET = "X-Amz-Signature=5ecre7"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running(S3Server(tmp_path_factory.mktemp("s3"))) as server:
        yield server


@pytest.fixture
def store(server: S3Server) -> Iterator[S3ArtifactStore]:
    with closing(S3ArtifactStore(server.settings(direct=True), network_id="n")) as store:
        store.put(MODELS, "m", CONTENT)
        yield store


def presigned(store: S3ArtifactStore, key: str = "m", *, seconds: float = 60) -> Presigned:
    found = store.presign(MODELS, key, seconds=seconds)
    assert found is not None
    return found


@contextmanager
def answering(*answers: bytes) -> Iterator[tuple[Presigned, list[bytes]]]:
    """A URL of a server that gives each connection one of these answers and hangs up, and the requests it got."""
    requests: list[bytes] = []

    def serve() -> None:
        for answer in answers:
            connection, _ = listener.accept()
            with connection:
                requests.append(connection.recv(1 << 16))
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Presigned(f"http://127.0.0.1:{listener.getsockname()[1]}/bucket/short?{SECRET}"), requests
        listener.close()
        thread.join(DEADLINE)


def answer(status: str, body: bytes, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode() + body


def test_a_file_comes_as_it_is_and_not_through_a_proxy_of_the_web(
    store: S3ArtifactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    fetch(presigned(store), tmp_path / "m", FILE, seconds=DEADLINE)
    assert (tmp_path / "m").read_bytes() == CONTENT


async def test_a_line_to_a_store_that_breaks_costs_no_more_than_another_request(
    server: S3Server, store: S3ArtifactStore, tmp_path: Path
) -> None:
    async with Proxy(server.port) as proxy:
        settings = server.settings(direct=True, port=proxy.port)
        far = await asyncio.to_thread(S3ArtifactStore, settings, network_id="n")
        proxy.cut_after = proxy.passed + len(CONTENT) // 2
        await asyncio.to_thread(fetch, presigned(far), tmp_path / "m", FILE, seconds=DEADLINE)
        assert proxy.cut_after is None
        far.close()
    assert (tmp_path / "m").read_bytes() == CONTENT


def test_what_is_there_is_not_asked_for_again(tmp_path: Path) -> None:
    half = answer("200 OK", SHORT[:4], "Content-Length: 10")
    more = answer("206 Partial Content", SHORT[4:7], "Content-Length: 6")
    rest = answer("206 Partial Content", SHORT[7:], "Content-Length: 3")
    with answering(half, more, rest) as (source, requests):
        fetch(source, tmp_path / "m", SHORT_FILE, seconds=DEADLINE)
    assert (tmp_path / "m").read_bytes() == SHORT
    ranges = [next((line for line in one.lower().split(b"\r\n") if line.startswith(b"range")), b"") for one in requests]
    assert ranges == [b"", b"range: bytes=4-", b"range: bytes=7-"]


WRONG = answer("200 OK", SHORT[::-1], "Content-Length: 10")
REFUSAL = f"<Error><Code>AccessDenied</Code><StringToSign>{SECRET}</StringToSign></Error>".encode()
FAULTS: dict[str, tuple[list[bytes], type[FednError], str]] = {
    "other bytes": ([WRONG], Corrupt, "changed on the way"),
    "too few": ([answer("200 OK", SHORT[:9], "Content-Length: 9")], Corrupt, "9 of 10 bytes"),
    "too many": ([answer("200 OK", SHORT * 2)], Corrupt, "more of short than its 10 bytes"),
    "compressed": ([answer("200 OK", SHORT[::-1], "Content-Encoding: gzip")], Corrupt, "changed on the way"),
    "a redirect": ([answer("302 Found", b"", "Location: http://127.0.0.1/")], WrongService, "answers 302"),
    "a refusal": ([answer("403 Forbidden", REFUSAL)], Forbidden, "403 AccessDenied"),
    "nothing of that name": ([answer("404 Not Found", b"")], NotFound, "404"),
    "a failure": ([answer("503 Slow Down", b"")], Unavailable, "503"),
    "no HTTP": ([b"220 mail.example ESMTP\r\n"], Unavailable, "no answer"),
    "silence": ([b""], Unavailable, "no answer"),
    "half, then silence": ([answer("200 OK", SHORT[:4], "Content-Length: 10"), b""], Unavailable, "no answer"),
    "half, then all of it": ([answer("200 OK", SHORT[:4], "Content-Length: 10"), WRONG], WrongService, "answers 200"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_is_no_such_file_is_an_error_that_keeps_the_secret(fault: str, tmp_path: Path) -> None:
    answers, error, words = FAULTS[fault]
    with answering(*answers) as (source, requests), pytest.raises(error, match=words) as told:
        fetch(source, tmp_path / "m", SHORT_FILE, seconds=DEADLINE)
    assert len(requests) == len(answers)
    assert SECRET not in str(told.value) + repr(source)


def test_a_store_that_is_too_slow_is_given_up(tmp_path: Path) -> None:
    with answering(WRONG) as (source, _), pytest.raises(DeadlineExceeded, match="10 of 10 bytes in time"):
        fetch(source, tmp_path / "m", SHORT_FILE, seconds=0)


def test_where_nobody_is(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"http://127.0.0.1:\d+: "):
        fetch(Presigned(f"http://127.0.0.1:{free_port()}/b/m?{SECRET}"), tmp_path / "m", FILE, seconds=DEADLINE)


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://host/file", "file:///etc/passwd", "http://", "http://[::1/"])
def test_what_is_no_url_of_a_store_is_not_followed(url: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        fetch(Presigned(url), tmp_path / "m", FILE, seconds=DEADLINE)


def test_a_url_that_ran_out_or_was_changed_is_refused(store: S3ArtifactStore, tmp_path: Path) -> None:
    store.put(MODELS, "other", CONTENT)
    other = Presigned(presigned(store).url.replace("/m?", "/other?"))
    with pytest.raises(Forbidden, match="SignatureDoesNotMatch"):
        fetch(other, tmp_path / "m", FILE, seconds=DEADLINE)
    brief = presigned(store, seconds=1)
    deadline = time.monotonic() + DEADLINE
    with pytest.raises(Forbidden, match=r"403 \w+ \(it may have run out"):
        while time.monotonic() < deadline:  # each asks anew, until the second is over
            fetch(brief, tmp_path / "m", FILE, seconds=DEADLINE)


def test_only_the_ca_that_comes_along_is_trusted(tmp_path: Path) -> None:
    now = time.time()
    authority, stranger = Authority.open(tmp_path / "ca", now=now), Authority.open(tmp_path / "other", now=now)
    key, request = new_key_and_request("s3")
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "cert.pem").write_bytes(authority.sign_request(request, names=["127.0.0.1"], now=now))
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes("# Übrige\n".encode() + stranger.certificate_pem + b"\n" + authority.certificate_pem)
    flags = ("--ssl-certfile", str(tmp_path / "cert.pem"), "--ssl-keyfile", str(tmp_path / "key.pem"))
    with running(S3Server(tmp_path / "server", *flags)) as server:
        settings = server.settings(direct=True, secure=True, ca_file=str(bundle))
        with closing(S3ArtifactStore(settings, network_id="n")) as store:
            store.put(MODELS, "m", CONTENT)
            source = presigned(store)
        fetch(source, tmp_path / "m", FILE, seconds=DEADLINE)
        assert (tmp_path / "m").read_bytes() == CONTENT
        for ca_pem in ("", stranger.certificate_pem.decode()):
            with pytest.raises(Unauthenticated, match="can't be trusted"):
                fetch(Presigned(source.url, ca_pem), tmp_path / "m", FILE, seconds=DEADLINE)
        with pytest.raises(InvalidInput, match="CA that comes with"):
            fetch(Presigned(source.url, "no certificate"), tmp_path / "m", FILE, seconds=DEADLINE)
