from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from waiting import DEADLINE

from fedn.reducer import wsgi
from fedn.security.tokens import Role


def dial(reducer: Any) -> ssl.SSLSocket:
    context = ssl.create_default_context(cadata=reducer.services.authority.certificate_pem.decode())
    sock = socket.create_connection(("localhost", reducer.port), timeout=DEADLINE)
    return context.wrap_socket(sock, server_hostname="localhost")


def answer(sock: socket.socket) -> HTTPResponse:
    response = HTTPResponse(sock)
    response.begin()
    response.text = response.read().decode()  # type: ignore[attr-defined]
    return response


def read_all(sock: socket.socket) -> bytes:
    received = b""
    while piece := sock.recv(65536):
        received += piece
    return received


def test_peers_that_say_nothing_hold_up_nobody(shared: Any) -> None:
    silent = [socket.create_connection(("localhost", shared.port)) for _ in range(2 * wsgi.THREADS)]
    try:
        assert shared.http(None).get("/api/v1/health")["status"] == "ok"
    finally:
        for sock in silent:
            sock.close()


def test_peers_that_only_shake_hands_hold_up_nobody(shared: Any) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(2 * wsgi.THREADS):
            stack.enter_context(dial(shared))
        assert shared.http(None).get("/api/v1/health")["status"] == "ok"


def test_peers_that_stop_within_the_handshake_hold_up_nobody(shared: Any) -> None:
    halves = [socket.create_connection(("localhost", shared.port)) for _ in range(wsgi.THREADS // 2)]
    try:
        for sock in halves:
            sock.sendall(b"\x16\x03\x01")
        assert shared.http(None).get("/api/v1/health")["status"] == "ok"
    finally:
        for sock in halves:
            sock.close()


def test_who_speaks_http_without_tls_is_told(shared: Any) -> None:
    with socket.create_connection(("localhost", shared.port), timeout=DEADLINE) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"This port speaks https" in read_all(sock)


@pytest.mark.parametrize("noise", [b"\x00" * 100, b"\x16\x03\x01\xff\xff" + b"x" * 50], ids=["zeros", "record"])
def test_noise_ends_the_connection_and_nothing_else(shared: Any, noise: bytes) -> None:
    with socket.create_connection(("localhost", shared.port), timeout=DEADLINE) as sock:
        sock.sendall(noise)
        with contextlib.suppress(ConnectionResetError):
            read_all(sock)
    assert shared.http(None).get("/api/v1/health")["status"] == "ok"


def test_one_connection_serves_many_requests(shared: Any) -> None:
    with dial(shared) as sock:
        for _ in range(3):
            sock.sendall(b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert answer(sock).status == 200


def test_a_small_body_that_nobody_wants_leaves_the_connection_usable(shared: Any) -> None:
    with dial(shared) as sock:
        for _ in range(2):
            sock.sendall(b"POST /api/v1/models HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc")
            refused = answer(sock)
            assert refused.status == 401
            assert refused.getheader("Connection") is None


@pytest.mark.parametrize("framing", [b"Content-Length: 9000000000", b"Transfer-Encoding: chunked"])
def test_a_large_body_that_nobody_wants_is_not_read_before_the_answer(shared: Any, framing: bytes) -> None:
    with dial(shared) as sock:
        sock.sendall(b"POST /api/v1/models HTTP/1.1\r\nHost: localhost\r\n" + framing + b"\r\n\r\n")
        for _ in range(10):
            sock.sendall(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        refused = answer(sock)
    assert refused.status == 401
    assert refused.getheader("Connection") == "close"


LOGIN = b"POST /api/v1/login HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    "part",
    [
        b"G",
        b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n",
        LOGIN + b"Content-Length: 100\r\n\r\n{",
        LOGIN + b"Content-Length: 1000000\r\n\r\n{",
        LOGIN + b"Transfer-Encoding: chunked\r\n\r\n7f\r\n{",
        LOGIN.replace(b"login", b"models") + b"Content-Length: 60000\r\n\r\n{",
        LOGIN.replace(b"login", b"models") + b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n{",
    ],
)
def test_peers_that_stop_within_a_request_hold_up_nobody(shared: Any, part: bytes) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(wsgi.THREADS + 2):
            stack.enter_context(dial(shared)).sendall(part)
        assert shared.http(None).get("/api/v1/health")["status"] == "ok"


def test_strangers_who_take_no_answers_hold_up_nobody(shared: Any) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(wsgi.THREADS + 2):
            greedy = stack.enter_context(dial(shared))
            greedy.settimeout(1)
            with contextlib.suppress(OSError):  # it takes no more of them, or is cut off
                for _ in range(50):
                    greedy.sendall(b"GET /static/style.css HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
        assert shared.http(None).get("/api/v1/health")["status"] == "ok"


@pytest.mark.parametrize("size", [1, 100, 1000])
def test_a_request_may_come_in_pieces(shared: Any, size: int) -> None:
    body = b'{"token": "x"}'
    request = LOGIN + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with dial(shared) as sock:
        for _ in range(2):
            for start in range(0, len(request), size):
                sock.sendall(request[start : start + size])
            assert answer(sock).status == 401


def test_requests_may_come_before_the_answers_to_those_before_them(shared: Any) -> None:
    with dial(shared) as sock:
        sock.sendall(b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n" * 300)
        assert [answer(sock).status for _ in range(300)] == [200] * 300


@pytest.mark.parametrize("chunks", [b"3\r\nabc\r\n0\r\n\r\n", b"3;x=y\r\nabc\r\n00\r\nA: b\r\n\r\n"])
def test_a_body_may_come_in_chunks(shared: Any, chunks: bytes) -> None:
    with dial(shared) as sock:
        sock.sendall(_upload(shared, b"Transfer-Encoding: chunked") + chunks)
        read = answer(sock)
        assert (read.status, read.getheader("Connection")) == (400, None)  # all of it was read, and is no model


@pytest.mark.parametrize(
    "chunks", [b"-3\r\n", b"+3\r\nabc", b"0x3\r\nabc", b"1_0\r\n", b"\r\n", b"3\r\nabcdef\r\n", b"3\nabc\r\n", b"g\r\n"]
)
def test_chunks_that_could_be_read_in_two_ways_are_refused(shared: Any, chunks: bytes) -> None:
    with dial(shared) as sock:
        sock.sendall(_upload(shared, b"Transfer-Encoding: chunked") + chunks)
        refused = answer(sock)
        assert (refused.status, refused.getheader("Connection")) == (400, "close")


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: -1",
        b"Content-Length: +3",
        b"Content-Length: 1_0",
        b"Content-Length: 3\r\nContent-Length: 3",
        b"Content-Length: 3, 3",
        b"Content-Length : 3",
        b"Content-Length:\x0b3",
        b"Content-Length: 3\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked, chunked",
        b"Transfer-Encoding: identity",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        b"X: 1\r\n folded: 2",
        b"X: a\rb",
        b"X: a\0b",
        b"no header",
        b": nameless",
        b"Host: other",
        b"Authorization: a\r\nAuthorization: b",
    ],
)
def test_a_request_that_could_be_read_in_two_ways_is_refused(
    shared: Any, monkeypatch: pytest.MonkeyPatch, headers: bytes
) -> None:
    monkeypatch.setattr(wsgi, "LINGER_SECONDS", 0)
    with dial(shared) as sock:
        sock.sendall(b"POST /api/v1/login HTTP/1.1\r\nHost: localhost\r\n" + headers + b"\r\n\r\nabc")
        assert answer(sock).status == 400
        sock.settimeout(DEADLINE)
        assert read_all(sock) == b""  # what follows is not taken for another request


@pytest.mark.parametrize("host", [b"a b", b"a/b", b"user@a", b"a:99999", b"a:b", b"[::1", b'a"b', b"<a>"])
def test_a_host_that_is_none_is_refused(shared: Any, host: bytes) -> None:
    with dial(shared) as sock:
        sock.sendall(b"GET /api/v1/health HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
        assert answer(sock).status == 400


def test_chunks_are_for_http_1_1(shared: Any) -> None:
    with dial(shared) as sock:
        sock.sendall(LOGIN.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        assert answer(sock).status == 400


def test_a_header_with_an_underscore_is_none(shared: Any) -> None:
    with dial(shared) as sock:
        value = b"application/json" * 2  # were it taken, it would be in the way of the other
        sock.sendall(
            LOGIN + b"Content-Length: 2\r\nContent-Type: application/json\r\nContent_Type: %s\r\n\r\n{}" % value
        )
        assert "token: " in answer(sock).text


def test_where_too_many_wait_those_who_waited_longest_are_let_go(
    start_reducer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wsgi, "CONNECTIONS", 16)
    with contextlib.ExitStack() as stack:
        reducer = start_reducer(stack)
        silent = [stack.enter_context(socket.create_connection(("localhost", reducer.port))) for _ in range(64)]
        assert reducer.http(None).get("/api/v1/health")["status"] == "ok"
        silent[0].settimeout(DEADLINE)
        assert silent[0].recv(1) == b""


def _upload(reducer: Any, framing: bytes) -> bytes:
    token = reducer.token(Role.OPERATOR).encode()
    return LOGIN.replace(b"login", b"models") + b"Authorization: Bearer " + token + b"\r\n" + framing + b"\r\n\r\n"


def test_headers_without_an_end_are_refused(shared: Any) -> None:
    with dial(shared) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * (1 << 16) + b"\r\n\r\n")
        assert answer(sock).status == 413


def test_stopping_cuts_off_those_who_take_nothing(
    reducer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wsgi, "STOP_SECONDS", 0)
    large = tmp_path / "large.npz"
    np.savez(large, weights=np.zeros(10_000_000, np.float32))
    model = reducer.services.trail.seed(large)
    head = f"GET /api/v1/models/{model.id}/data HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {{}}\r\n\r\n"
    with dial(reducer) as sock:
        sock.sendall(head.format(reducer.token(Role.VIEWER)).encode())
        assert sock.recv(100).startswith(b"HTTP/1.1 200")
        stopping = threading.Thread(target=reducer.stack.close, daemon=True)
        stopping.start()
        stopping.join(wsgi.SILENT_SECONDS / 2)
        assert not stopping.is_alive()
