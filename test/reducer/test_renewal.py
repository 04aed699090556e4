from __future__ import annotations

import socket
import ssl
from contextlib import ExitStack
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from handshakes import listening, shown
from waiting import DEADLINE

from fedn.combiner.enrolment import request_identity
from fedn.security.tls import expiry
from fedn.security.tokens import Role


def ask(sock: socket.socket) -> int:
    sock.sendall(b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    response = HTTPResponse(sock)
    response.begin()
    response.read()
    return response.status


def test_new_connections_see_renewed_certificates_and_others_go_on(start_reducer: Any) -> None:
    with ExitStack() as stack, listening() as lines:
        reducer = start_reducer(stack, certificate_seconds=2)
        ca_pem = reducer.services.authority.certificate_pem
        context = ssl.create_default_context(cadata=ca_pem.decode())
        raw = socket.create_connection(("localhost", reducer.port), timeout=DEADLINE)
        with context.wrap_socket(raw, server_hostname="localhost") as connection:
            serials = [shown(reducer.port, ca_pem)]
            assert ask(connection) == 200
            for _ in range(3):
                lines.more("was renewed")
                serials.append(shown(reducer.port, ca_pem))
                assert ask(connection) == 200
    assert len(set(serials)) == 4


def test_what_can_t_be_written_is_said_and_tried_again(start_reducer: Any) -> None:
    with ExitStack() as stack, listening() as lines:
        reducer = start_reducer(stack, certificate_seconds=2)
        certificate: Path = reducer.data_dir / "reducer" / "server.pem"
        certificate.unlink()
        certificate.mkdir()
        lines.more("server.pem can't be written", "trying again")
        certificate.rmdir()
        lines.more("was renewed")
        assert shown(reducer.port, reducer.services.authority.certificate_pem)


def test_the_names_are_those_that_the_machine_has_then(start_reducer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack, listening() as lines:
        reducer = start_reducer(stack, certificate_seconds=2)
        monkeypatch.setattr("fedn.reducer.renewal.local_names", lambda: ("localhost", "new.example"))
        lines.more("was renewed", times=2)
        file = reducer.data_dir / "reducer" / "server.pem"
        names = x509.load_pem_x509_certificate(file.read_bytes()).extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
        assert "new.example" in names.value.get_values_for_type(x509.DNSName)


def test_combiners_get_certificates_for_as_long_as_the_setting_says(start_reducer: Any) -> None:
    with ExitStack() as stack:
        reducer = start_reducer(stack, certificate_seconds=5000)
        own = expiry((reducer.data_dir / "reducer" / "server.pem").read_bytes())
        combiner = expiry(request_identity(reducer.http(Role.COMBINER), name="c", host="h").certificate_pem)
        assert own <= combiner < own + 1000
