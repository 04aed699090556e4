from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from fedn.errors import ConfigError
from fedn.reducer.places import ABSENT, NO_ADDRESS, PRIVATE, ClientPlaces, CombinerPlace, Place, Places
from fedn.reducer.presence import ClientView, CombinerView
from fedn.security.tokens import Role

STOCKHOLM = {
    "city": {"names": {"en": "Stockholm", "sv": "Stockholm"}},
    "country": {"names": {"en": "Sweden"}},
    "location": {"latitude": 59.3294, "longitude": 18.0687},
}
RECORDS: dict[str, Any] = {
    "8.8.8.0/24": STOCKHOLM,
    "8.8.4.0/24": {"location": {"latitude": -33.9, "longitude": 151.2}},
    "9.9.9.0/24": {"country": {"names": {"en": "Switzerland"}}},
    "1.1.1.0/24": {"location": {"latitude": 459.0, "longitude": 0.0}},
    "1.0.0.0/24": {"location": "somewhere", "city": "some"},
    "2001:4860:4860::/48": STOCKHOLM,
}


def write(path: Path, *, version: int = 6, records: dict[str, Any] = RECORDS) -> Path:
    writer = MMDBWriter(version, "Test-City", ipv4_compatible=version == 6, float_type="f64")
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return path


@pytest.fixture
def places(tmp_path: Path) -> Any:
    opened = Places(str(write(tmp_path / "places.mmdb")))
    yield opened
    opened.close()


def test_an_address_is_where_the_database_has_it(places: Places) -> None:
    there = Place(59.3294, 18.0687, "Stockholm, Sweden")
    assert places.place("8.8.8.8") == there
    assert places.place("2001:4860:4860::8888") == there
    assert places.place("8.8.4.4") == Place(-33.9, 151.2)


@pytest.mark.parametrize(
    "address", ["10.0.0.7", "192.168.1.1", "127.0.0.1", "::1", "fe80::1%eth0", "fd00::1", "loopback"]
)
def test_a_private_address_is_at_no_place(places: Places, address: str) -> None:
    assert places.place(address) == PRIVATE


@pytest.mark.parametrize("address", ["5.5.5.5", "9.9.9.9", "1.1.1.1", "1.0.0.1", "2a00::1"])
def test_what_the_database_has_no_place_for_is_said_to_be_unknown(places: Places, address: str) -> None:
    assert places.place(address) == ABSENT


def test_a_database_of_ipv4_alone_has_no_place_for_ipv6(tmp_path: Path) -> None:
    places = Places(str(write(tmp_path / "four.mmdb", version=4, records={"8.8.8.0/24": STOCKHOLM})))
    assert places.place("2001:4860:4860::8888") == ABSENT
    assert isinstance(places.place("8.8.8.8"), Place)
    places.close()


def test_of_clients_no_more_comes_out_than_how_many_are_within_a_degree(places: Places) -> None:
    addresses = ["8.8.8.8", "8.8.8.9", "2001:4860:4860::1", "8.8.4.4", "10.1.1.1", "loopback", "5.5.5.5", ""]
    clients = [ClientView(f"client-{i}", "c1", address=address) for i, address in enumerate(addresses)]
    found = places.find([], clients)
    assert found.clients == [ClientPlaces(-34, 151, 1), ClientPlaces(59, 18, 3)]
    assert found.unknown == {PRIVATE: 2, ABSENT: 1, NO_ADDRESS: 1}
    assert "client-" not in repr(found)


def test_a_combiner_is_where_its_host_is(places: Places) -> None:
    hosts = {"a": "8.8.8.8", "b": "localhost", "c": "no such host.invalid"}
    found = places.find([CombinerView(name, host, 1, 1) for name, host in hosts.items()], [])
    assert found.combiners == [
        CombinerPlace("a", 59.3294, 18.0687, "Stockholm, Sweden"),
        CombinerPlace("b", unknown=PRIVATE),
        CombinerPlace("c", unknown="its host name can't be resolved"),
    ]


@pytest.mark.parametrize("content", [None, b"", b"no database"])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "places.mmdb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"geoip_database: .*places\.mmdb can't be read"):
        Places(str(path))


def test_the_reducer_tells_where_its_network_is(start_reducer: Any, tmp_path: Path) -> None:
    with ExitStack() as stack:
        reducer = start_reducer(stack, geoip_database=str(write(tmp_path / "places.mmdb")))
        reducer.add_clients("ada", "ben")
        assert {client.address for client in reducer.services.network.clients()} == {"loopback"}
        assert reducer.http(Role.VIEWER).get("/api/v1/places") == {
            "combiners": [{"name": "c1", "latitude": None, "longitude": None, "place": "", "unknown": PRIVATE}],
            "clients": [],
            "unknown": {PRIVATE: 2},
        }
        for path in ("/api/v1/clients", "/api/v1/network"):
            assert "address" not in reducer.raw(reducer.token(Role.OPERATOR)).get(path).text


def test_without_a_database_there_are_no_places(shared: Any) -> None:
    answer = shared.raw(shared.token(Role.OPERATOR)).get("/api/v1/places")
    assert answer.status_code == 404
    assert "geoip_database" in answer.json()["error"]["hint"]
