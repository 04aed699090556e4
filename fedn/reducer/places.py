"""Where combiners and clients are, by their addresses, from a database that the operator has.

A combiner's address is public in its network. A client's is its owner's: it is looked up and not shown, and all that
comes of it is how many clients are within the same degree of latitude and longitude.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import maxminddb

from fedn.errors import ConfigError, NotFound
from fedn.reducer.network import Network
from fedn.reducer.presence import ClientView, CombinerView

RESOLVE_SECONDS = 2.0
"""How long host names may take to be resolved; what takes longer is known at a later request."""
KEPT_SECONDS = 600.0
"""How long an answer of the resolver is taken for true."""

PRIVATE = "a private address, which is at no place"
ABSENT = "not in the database"
NO_ADDRESS = "its combiner does not say where it calls from"


@dataclass(frozen=True)
class Place:
    """Degrees of latitude and longitude, and words for it."""

    latitude: float
    longitude: float
    words: str = ""


@dataclass(frozen=True)
class CombinerPlace:
    name: str
    latitude: float | None = None
    longitude: float | None = None
    place: str = ""
    unknown: str = ""
    """Why it is not known where it is."""


@dataclass(frozen=True)
class ClientPlaces:
    """Clients within one degree."""

    latitude: int
    longitude: int
    clients: int


@dataclass(frozen=True)
class Found:
    """Where everybody is."""

    combiners: list[CombinerPlace]
    clients: list[ClientPlaces]
    unknown: Mapping[str, int]
    """Why it is not known of so many clients."""


class Places:
    """Where addresses are. Safe to use from many threads.

    Args:
        path: A file in MaxMind's format (.mmdb) with locations, as those of cities have.

    Raises:
        ConfigError: It can't be read.
    """

    def __init__(self, path: str) -> None:
        try:
            self._database = maxminddb.open_database(path)
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            raise ConfigError(
                f"geoip_database: {path} can't be read: {error}",
                hint="give a file in MaxMind's format (.mmdb), or leave the setting out",
            ) from error
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="resolve")
        self._resolved: dict[str, tuple[float, Future[str]]] = {}

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._database.close()

    def find(self, combiners: list[CombinerView], clients: list[ClientView]) -> Found:
        """Where they are, as far as that is known."""
        hosts = self._resolve({combiner.host for combiner in combiners})
        counts: Counter[tuple[int, int]] = Counter()
        unknown: Counter[str] = Counter()
        for client in clients:
            place = self.place(client.address)
            if isinstance(place, Place):
                counts[round(place.latitude), round(place.longitude)] += 1
            else:
                unknown[place] += 1
        return Found(
            combiners=[self._combiner(combiner.name, hosts[combiner.host]) for combiner in combiners],
            clients=[ClientPlaces(*where, count) for where, count in sorted(counts.items())],
            unknown=dict(unknown),
        )

    def place(self, address: str) -> Place | str:
        """Where an IP address is, or why that is not known."""
        if not address:
            return NO_ADDRESS
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return PRIVATE  # `loopback`
        if not found.is_global:
            return PRIVATE
        try:
            record: Any = self._database.get(found)
        except ValueError:
            return ABSENT  # an IPv6 address, in a database of IPv4 ones
        return _place(record) or ABSENT

    def _combiner(self, name: str, address: str | None) -> CombinerPlace:
        if address is None:
            return CombinerPlace(name, unknown="its host name can't be resolved")
        place = self.place(address)
        if isinstance(place, str):
            return CombinerPlace(name, unknown=place)
        return CombinerPlace(name, place.latitude, place.longitude, place.words)

    def _resolve(self, hosts: set[str]) -> dict[str, str | None]:
        """Host → its first IP address; None where there is none, or none yet."""
        now = time.monotonic()
        for host in hosts:
            at, answer = self._resolved.get(host, (now - KEPT_SECONDS, None))
            if now - at >= KEPT_SECONDS and (answer is None or answer.done()):
                self._resolved[host] = (now, self._threads.submit(_first_address, host))
        answers = {host: self._resolved[host][1] for host in hosts}
        wait(answers.values(), timeout=RESOLVE_SECONDS)
        return {host: answer.result() or None if answer.done() else None for host, answer in answers.items()}


def of(network: Network, places: Places | None) -> Found:
    """Where the combiners and clients of a network are.

    Raises:
        NotFound: There is no database of places.
    """
    if places is None:
        raise NotFound(
            "this reducer has no database of places", hint="set `geoip_database` to a file in MaxMind's format (.mmdb)"
        )
    return places.find(network.combiners(), network.clients())


def _first_address(host: str) -> str:
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError):
        return ""


def _place(record: Any) -> Place | None:
    location = record.get("location") if isinstance(record, dict) else None
    if not isinstance(location, dict):
        return None
    try:
        latitude, longitude = float(location["latitude"]), float(location["longitude"])
    except (KeyError, TypeError, ValueError):
        return None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return None
    words = (_name(record.get(kind)) for kind in ("city", "country"))
    return Place(latitude, longitude, ", ".join(word for word in words if word))


def _name(part: Any) -> str:
    names = part.get("names") if isinstance(part, dict) else None
    return str(names.get("en", "")) if isinstance(names, dict) else ""
