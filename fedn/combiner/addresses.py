"""Where clients of 2021 call from: all there is to know them by in a transfer, as they give no name then."""

from __future__ import annotations

import ipaddress
from urllib.parse import unquote

from fedn.core.membership import LEGACY_SECONDS


class Addresses:
    """The addresses that an admitted client was heard from in the last `LEGACY_SECONDS`."""

    def __init__(self) -> None:
        self._heard: dict[str, float] = {}

    def hear(self, peer: str, *, now: float) -> None:
        """A client that was let in by its name calls from `peer`."""
        self._heard[address(peer)] = now

    def know(self, peer: str, *, now: float) -> bool:
        """Whether such a client called from there of late."""
        heard = self._heard.get(address(peer))
        return heard is not None and now - heard <= LEGACY_SECONDS

    def expire(self, *, now: float) -> None:
        """Forget those that nothing was heard from."""
        self._heard = {one: heard for one, heard in self._heard.items() if now - heard <= LEGACY_SECONDS}


def address(peer: str) -> str:
    """The host of a peer as gRPC names it, such as `ipv4:10.0.0.7:4242` or `ipv6:%5B::1%5D:4242`.

    A host is one whether it calls over IPv4 or over IPv6 with its IPv4 address in it, and so is this machine itself,
    which clients reach under either of its loopback addresses. What is no IP address stays as it is.
    """
    family, _, rest = unquote(peer).partition(":")
    if family not in ("ipv4", "ipv6"):
        return peer
    try:
        found = ipaddress.ip_address(rest.rpartition(":")[0].strip("[]"))
    except ValueError:
        return peer
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found
    return "loopback" if found.is_loopback else str(found)
