"""Certificates that live for seconds: no line breaks at a renewal, and what is said where one fails."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from handshakes import Lines, listening, shown
from loopback import Federation, plus_one

from fedn.security.join import JoinString

ROUNDS = 3


class Slow:
    """Trains once certificates have been renewed again."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines

    def __call__(self, model: Any) -> Any:
        self.lines.more("was renewed", times=3)
        return plus_one(model)


async def test_a_session_goes_on_through_renewals_on_the_connections_that_it_has(tmp_path: Path) -> None:
    with listening() as lines:
        async with Federation(tmp_path, certificate_seconds=2.0) as network:
            ca_pem = network.services.authority.certificate_pem
            ports = (network.port, network.combiners["c0"].port)
            serials: dict[int, list[int]] = {port: [] for port in ports}

            async def look() -> None:
                for port in ports:
                    serials[port].append(await asyncio.to_thread(shown, port, ca_pem))

            await network.seed({"a": np.zeros(3, np.float32)})
            await network.add_client("one", train=Slow(lines))
            await network.add_client("two")
            session = await network.start_session(rounds=ROUNDS, clients_required=2, validate=False)
            await look()
            for _ in range(3):
                await asyncio.to_thread(lines.more, "was renewed", times=4)  # so many that both have had one
                await look()
            ended = await network.end_of(session)
            assert (ended.state, ended.rounds_done) == ("finished", ROUNDS)
            assert not lines.count("WARNING")
    assert all(len(set(found)) > 1 for found in serials.values())
    assert lines.count("two is connected to") == lines.count("one is connected to") == 1


async def test_a_reducer_that_was_killed_for_longer_than_certificates_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEDN_CERTIFICATE_SECONDS", "2")
    with listening() as lines:
        async with Federation(tmp_path, process=True) as network:
            await network.seed({"a": np.zeros(3, np.float32)})
            await network.add_client("one")
            ca_pem = network.web.ca_pem
            assert ca_pem is not None
            assert network.process is not None
            await network.process.kill()
            await asyncio.to_thread(lines.more, "ERROR", "the certificate, which ended on")
            with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
                await asyncio.to_thread(shown, network.combiners["c0"].port, ca_pem)
            await network.stop_reducer()
            await network.start_reducer()
            await asyncio.to_thread(lines.more, "was renewed")
            await asyncio.to_thread(shown, network.combiners["c0"].port, ca_pem)
            await network.connected("c0")
            await network.until(lambda: "one" in network.live())
            assert (await network.session(rounds=1, clients_required=1, validate=False)).state == "finished"
    assert lines.count("one is connected to") == 1


async def test_a_combiner_whose_token_was_revoked_says_what_to_do(tmp_path: Path) -> None:
    with listening() as lines:
        async with Federation(tmp_path, certificate_seconds=2.0) as network:
            token = network.services.tokens.verify(JoinString.parse(network.join("combiner")).token)
            network.services.tokens.revoke(token.token_id)
            await asyncio.to_thread(lines.more, "ERROR", "was revoked", "fedn token create --role combiner")
