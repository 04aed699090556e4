"""Requests to a reducer: what becomes of a connection that breaks."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fedn.errors import Unavailable, WrongService
from fedn.rpc.http import Http, fetch_ca
from fedn.security import certificates
from fedn.security.join import JoinString
from fedn.security.tls import Authority

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def answering() -> Iterator[tuple[Http, list[bytes]]]:
    """A session with a server that gives one answer, byte by byte as it is told, and hangs up."""
    answers: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1 << 16)
            connection.sendall(b"".join(answers))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        http = Http(f"http://127.0.0.1:{listener.getsockname()[1]}")
        yield http, answers
        http.close()
        thread.join(10)


def test_a_stream_that_breaks_off_is_no_wrong_service(answering: tuple[Http, list[bytes]]) -> None:
    http, answers = answering
    answers += [HEAD, b"6\r\nfirst\n\r\n", b"9\r\nsec"]
    lines = http.lines("/watch")
    assert next(lines) == "first"
    with pytest.raises(Unavailable, match="broke off in the middle"):
        list(lines)


def test_a_download_that_breaks_off_leaves_no_file(answering: tuple[Http, list[bytes]], tmp_path: Path) -> None:
    http, answers = answering
    answers += [HEAD, b"9\r\nhalf"]
    with pytest.raises(Unavailable, match="broke off in the middle"):
        http.download("/data", tmp_path / "target")
    assert not list(tmp_path.iterdir())


def test_who_speaks_something_else_is_the_wrong_service(answering: tuple[Http, list[bytes]]) -> None:
    http, answers = answering
    answers += [b"220 mail.example ESMTP\r\n"]
    with pytest.raises(WrongService, match="not as a FEDn reducer"):
        http.get("/api/v1/health")


@contextmanager
def serving(authority: Authority, answer: bytes, folder: Path) -> Iterator[int]:
    """The port of a server with a certificate for localhost that gives one answer over TLS and hangs up."""
    key = certificates.new_key()
    identity = authority.issue(["localhost"], public_key=key.public_key(), now=time.time())
    (folder / "identity.pem").write_bytes(certificates.key_to_pem(key) + identity)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "identity.pem")

    def serve() -> None:
        connection, _ = listener.accept()
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(1 << 16)
            secure.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield int(listener.getsockname()[1])
        thread.join(10)


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[1"])
def test_who_hangs_up_before_the_answer_may_answer_the_next_time(begun: bytes, tmp_path: Path) -> None:
    """A reducer that is being stopped: whoever waits for it must not take it for another service, and give up."""
    authority = Authority.open(tmp_path / "ca", now=time.time())
    with serving(authority, begun, tmp_path) as port:
        http = Http(f"https://localhost:{port}", ca_pem=authority.certificate_pem)
        with pytest.raises(Unavailable, match="hung up before it had answered"):
            http.get("/api/v1/health")
        http.close()


def test_a_certificate_behind_the_ca_is_not_trusted(tmp_path: Path) -> None:
    """Someone in between hands out the network's CA, with one of their own after it."""
    ours, theirs = (Authority.open(tmp_path / name, now=time.time()) for name in ("ours", "theirs"))
    both = ours.certificate_pem + theirs.certificate_pem
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(both), both)
    with serving(theirs, answer, tmp_path) as port:
        assert fetch_ca(JoinString("127.0.0.1", port, ours.fingerprint, "token")) == ours.certificate_pem
