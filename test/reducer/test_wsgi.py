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

from fedn.reducer import wsgi
from fedn.security.tokens import Role


def dial(reducer: Any) -> ssl.SSLSocket:
    context = ssl.create_default_context(cadata=reducer.services.authority.certificate_pem.decode())
    sock = socket.create_connection(("localhost", reducer.port), timeout=10)
    return context.wrap_socket(sock, server_hostname="localhost")


def answer(sock: socket.socket) -> HTTPResponse:
    response = HTTPResponse(sock)
    response.begin()
    response.read()
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
    with socket.create_connection(("localhost", shared.port), timeout=10) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"This port speaks https" in read_all(sock)


@pytest.mark.parametrize("noise", [b"\x00" * 100, b"\x16\x03\x01\xff\xff" + b"x" * 50], ids=["zeros", "record"])
def test_noise_ends_the_connection_and_nothing_else(shared: Any, noise: bytes) -> None:
    with socket.create_connection(("localhost", shared.port), timeout=10) as sock:
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
