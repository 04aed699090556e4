"""Where clients of 2021 call from."""

from __future__ import annotations

import pytest

from fedn.combiner.addresses import Addresses, address
from fedn.core.membership import LEGACY_SECONDS


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("ipv4:10.0.0.7:4242", "10.0.0.7"),
        ("ipv6:%5B2001:db8::7%5D:4242", "2001:db8::7"),
        ("ipv6:[2001:db8:0:0::7]:4242", "2001:db8::7"),
        ("ipv6:%5B::ffff:10.0.0.7%5D:4242", "10.0.0.7"),
        ("ipv6:%5Bfe80::7%25eth0%5D:4242", "fe80::7%eth0"),
        ("ipv4:127.0.0.1:4242", "loopback"),
        ("ipv6:%5B::1%5D:4242", "loopback"),
        ("ipv6:%5B::ffff:127.0.0.1%5D:4242", "loopback"),
        ("unix:/run/fedn.sock", "unix:/run/fedn.sock"),
        ("ipv4:", "ipv4:"),
        ("", ""),
    ],
)
def test_a_peer_is_known_by_its_host(peer: str, expected: str) -> None:
    assert address(peer) == expected


def test_an_address_is_known_for_so_long_after_it_was_heard_from() -> None:
    known = Addresses()
    assert not known.know("ipv4:10.0.0.7:1", now=0)
    known.hear("ipv4:10.0.0.7:1", now=0)
    known.hear("ipv4:10.0.0.8:1", now=5)
    assert known.know("ipv6:%5B::ffff:10.0.0.7%5D:2", now=LEGACY_SECONDS)
    assert not known.know("ipv4:10.0.0.7:1", now=LEGACY_SECONDS + 0.1)
    known.expire(now=LEGACY_SECONDS + 1)
    assert known.know("ipv4:10.0.0.8:1", now=5)
    assert not known.know("ipv4:10.0.0.7:1", now=0)
