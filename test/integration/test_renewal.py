"""Certificates that last for seconds: reducer and combiner renew them while they serve, and nobody is cut off."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from pathlib import Path

import numpy as np
import pytest
from cryptography import x509
from loopback import Federation
from waiting import DEADLINE

RENEWALS = 3


def shown(port: int, ca_pem: bytes, *, alpn: list[str]) -> x509.Certificate:
    """What a new connection is shown; verified against the CA, so that it is good at this moment."""
    context = ssl.create_default_context(cadata=ca_pem.decode())
    context.set_alpn_protocols(alpn)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as line,
        context.wrap_socket(line, server_hostname="localhost") as tls,
    ):
        return x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")


def serials(port: int, ca_pem: bytes, *, alpn: list[str], count: int) -> set[int]:
    """Serial numbers of so many certificates, one after the other. Every handshake in between has to succeed."""
    seen: set[int] = set()
    deadline = time.monotonic() + DEADLINE
    while len(seen) < count:
        assert time.monotonic() < deadline, f"only {len(seen)} certificates were shown"
        seen.add(shown(port, ca_pem, alpn=alpn).serial_number)
    return seen


async def test_certificates_are_renewed_while_a_session_runs(tmp_path: Path) -> None:
    async with Federation(tmp_path, combiners=1, certificate_seconds=3.0) as network:
        await network.seed({"a": np.zeros(3, np.float32)})
        await network.add_client("one")
        instances = {view.instance for view in network.services.network.clients()}
        ca_pem = network.services.authority.certificate_pem
        looks = [
            asyncio.to_thread(serials, network.port, ca_pem, alpn=["http/1.1"], count=RENEWALS),
            asyncio.to_thread(serials, network.combiners["c0"].port, ca_pem, alpn=["h2"], count=RENEWALS),
        ]
        looking = asyncio.gather(*looks)
        sessions = []
        while not looking.done():
            sessions.append(await network.session(rounds=3))
        await looking
        assert {session.state for session in sessions} == {"finished"}
        assert {view.instance for view in network.services.network.clients()} == instances  # nobody had to dial again
        # Who comes now is shown a renewed certificate.
        await network.add_client("two")
        assert (await network.session(rounds=1, clients_required=2)).state == "finished"


async def test_a_combiner_makes_up_for_a_renewal_that_it_missed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The reducer was away for longer than the certificate lasted."""
    async with Federation(tmp_path, combiners=1, certificate_seconds=2.0) as network:
        await network.seed({"a": np.zeros(3, np.float32)})
        await network.add_client("one")
        ca_pem = network.services.authority.certificate_pem
        port = network.combiners["c0"].port
        await network.stop_reducer()
        await asyncio.to_thread(until_refused, port, ca_pem)
        await network.start_reducer()
        await asyncio.to_thread(until_good, port, ca_pem)
        await network.connected("c0")
        await network.until(lambda: "one" in network.live())
        assert (await network.session(rounds=2)).state == "finished"
        assert "trying again" in caplog.text


def until_refused(port: int, ca_pem: bytes) -> None:
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            shown(port, ca_pem, alpn=["h2"])
        except ssl.SSLCertVerificationError as error:
            assert "expired" in str(error)
            return
        assert time.monotonic() < deadline


def until_good(port: int, ca_pem: bytes) -> None:
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            shown(port, ca_pem, alpn=["h2"])
        except ssl.SSLCertVerificationError:
            assert time.monotonic() < deadline
        else:
            return
