"""The thread that renews, and what a gRPC server shows after it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from handshakes import listening, shown
from waiting import DEADLINE, within

from fedn.errors import Unauthenticated, Unavailable
from fedn.rpc.channel import dial_async
from fedn.rpc.renewal import Renewal
from fedn.rpc.server import ServerCertificate, listen
from fedn.security.tls import DAY, Authority, new_key_and_request


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.open(tmp_path, now=time.time())


def pair(authority: Authority, lifetime: float = DAY) -> tuple[bytes, bytes]:
    key, request = new_key_and_request("server")
    return key, authority.sign_request(request, names=["localhost"], now=time.time(), lifetime=lifetime)


def test_it_renews_again_and_again_until_it_is_closed(authority: Authority) -> None:
    enough = threading.Event()
    made: list[bytes] = []

    def renew() -> bytes:
        made.append(pair(authority, lifetime=1)[1])
        if len(made) == 3:
            enough.set()
        return made[-1]

    with closing(Renewal(pair(authority, lifetime=1)[1], renew)) as renewal:
        renewal.start()
        assert enough.wait(DEADLINE)
        renewal.close(seconds=DEADLINE)
    assert len(made) == 3


def test_it_tries_until_it_succeeds_whatever_is_in_the_way(authority: Authority) -> None:
    good = pair(authority)[1]
    answers: Iterator[Exception | bytes] = iter(
        [Unavailable("nobody there"), ValueError("odd"), b"rubbish", pair(authority, lifetime=-60)[1], good]
    )

    def renew() -> bytes:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with listening() as lines, closing(Renewal(pair(authority, lifetime=-60)[1], renew)) as renewal:
        renewal.start()
        lines.wait(lambda: lines.count("INFO", "was renewed and is good until") == 1)
    assert [line.split()[0] for line in lines.said] == ["ERROR"] * 4 + ["INFO"]
    for line, problem in zip(lines.said, ["nobody there", "odd", "not a certificate", "set it (NTP)"], strict=False):
        assert problem in line
        assert "which ended on" in line


def test_what_passes_is_a_warning_while_the_certificate_is_good(authority: Authority) -> None:
    answers: Iterator[Exception] = iter([Unavailable("nobody there"), Unauthenticated("no good token")])

    def renew() -> bytes:
        raise next(answers)

    began = time.time() + 100  # as if the clock had been put back since
    renewal = Renewal(pair(authority)[1], renew)
    renewal._validity = type(renewal._validity)(began, renewal._validity.end)
    with listening() as lines, closing(renewal):
        renewal.start()
        lines.wait(lambda: lines.count("trying again") >= 2)
    assert lines.said[0].startswith("WARNING renewing the certificate, which ends on")
    assert lines.said[1].startswith("ERROR renewing the certificate, which ends on")


async def test_new_connections_see_the_new_certificate_and_others_go_on(authority: Authority) -> None:
    server = grpc.aio.server()

    async def echo(request: bytes, _: object) -> bytes:
        return request

    method = grpc.unary_unary_rpc_method_handler(echo)
    server.add_registered_method_handlers("test.Echo", {"Say": method})
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Echo", {"Say": method}),))
    key, first = pair(authority)
    certificate = ServerCertificate(key_pem=key, certificate_pem=first)
    port = listen(server, "127.0.0.1", 0, certificate)
    await server.start()
    try:
        async with dial_async("localhost", port, ca_pem=authority.certificate_pem) as channel:
            say = channel.unary_unary("/test.Echo/Say")
            assert await within(say(b"1")) == b"1"
            states: list[grpc.ChannelConnectivity] = [channel.get_state()]
            chain = first
            for number in range(3):
                for _ in range(2):
                    serial = await asyncio.to_thread(shown, port, authority.certificate_pem)
                    assert serial == x509.load_pem_x509_certificate(chain).serial_number
                for _ in range(number + 1):  # the last one counts
                    key, chain = pair(authority)
                    certificate.show(key_pem=key, certificate_pem=chain)
                assert await within(say(b"2")) == b"2"
                states.append(channel.get_state())
            assert set(states) == {grpc.ChannelConnectivity.READY}
    finally:
        await server.stop(None)
