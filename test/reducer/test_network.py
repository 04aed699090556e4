from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from fedn.errors import NameInUse, NotFound, Unavailable
from fedn.reducer import network as module
from fedn.reducer.feed import Feed
from fedn.reducer.network import ClientView, Network
from fedn.stores.documents import Client, Combiner
from fedn.stores.protocols import StateStore
from fedn.stores.sqlite import SqliteStateStore


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateStore]:
    with contextlib.closing(SqliteStateStore(tmp_path / "state.db")) as state:
        yield state


@pytest.fixture
def network(state: StateStore) -> Network:
    return Network(state, Feed())


def announce(network: Network, name: str, *, max_clients: int = 10, port: int = 1) -> None:
    network.register(Combiner(id=name, host="localhost", port=port, max_clients=max_clients, joined_at=0.0))


def report(network: Network, name: str, *joined: str, left: tuple[str, ...] = (), draining: bool = False) -> None:
    """What a combiner's watch says."""
    views = [ClientView(name=client, combiner=name, instance=f"process of {client}") for client in joined]
    network.update(name, joined=views, left=list(left), processor=0.5, memory_bytes=10, draining=draining)


def start(network: Network, **sizes: int) -> None:
    for name, max_clients in sizes.items():
        announce(network, name, max_clients=max_clients)
        report(network, name)


def test_what_watches_say_is_what_is_seen(network: Network) -> None:
    start(network, c0=10, c1=10)
    report(network, "c0", "ada", "ben")
    report(network, "c1", "cyd")
    report(network, "c0", left=("ben", "nobody"))
    assert [client.name for client in network.clients()] == ["ada", "cyd"]
    assert network.shares() == {"c0": ("ada",), "c1": ("cyd",)}
    view = network.combiner("c0")
    assert (view.connected, view.clients, view.processor, view.memory_bytes, view.error) == (True, 1, 0.5, 10, "")
    with pytest.raises(NotFound, match="no combiner 'c9'"):
        network.combiner("c9")


def test_a_client_that_is_reported_again_keeps_the_time_it_came(network: Network) -> None:
    start(network, c0=10)
    for since in (5.0, 9.0):
        view = ClientView(name="ada", combiner="c0", since=since)
        network.update("c0", joined=[view], left=[], processor=0, memory_bytes=0, draining=False)
    assert network.clients()[0].since == 5.0


def test_a_combiner_out_of_reach_takes_its_clients_out_of_sight(network: Network) -> None:
    start(network, c0=10)
    report(network, "c0", "ada")
    network.lost("c0", "the cable is cut")
    assert (network.clients(), network.shares()) == ([], {})
    view = network.combiner("c0")
    assert (view.connected, view.error) == (False, "the cable is cut")
    report(network, "c0", "ada")
    assert network.shares() == {"c0": ("ada",)}


def test_a_combiner_that_started_anew_has_no_clients_yet(network: Network) -> None:
    start(network, c0=10)
    report(network, "c0", "ada", "ben")
    announce(network, "c0", port=2)
    assert (network.combiner("c0").connected, network.clients()) == (False, [])
    report(network, "c0", "ada")
    assert [client.name for client in network.clients()] == ["ada"]
    assert network.combiner("c0").port == 2


def test_a_draining_combiner_has_no_share_and_gets_nobody(network: Network) -> None:
    start(network, c0=10, c1=10)
    report(network, "c0", "ada", draining=True)
    assert network.shares() == {}
    assert network.place("ben", instance="1", preferred="c0").id == "c1"


def test_combiners_are_known_from_before_but_not_connected(network: Network, state: StateStore) -> None:
    start(network, c0=10)
    again = Network(state, Feed())
    assert [(view.name, view.connected) for view in again.combiners()] == [("c0", False)]
    with pytest.raises(Unavailable, match="every combiner is full or draining"):
        again.place("ada", instance="1")


def test_clients_go_where_there_is_most_room_also_before_they_are_there(network: Network) -> None:
    start(network, c0=4, c1=2)
    placed = [network.place(f"n{number}", instance="1").id for number in range(6)]
    assert (placed.count("c0"), placed.count("c1")) == (4, 2)
    with pytest.raises(Unavailable, match="full"):
        network.place("one more", instance="1")


def test_who_was_assigned_and_never_came_makes_room(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    start(network, c0=1)
    network.place("ada", instance="1")
    monkeypatch.setattr(module, "PENDING_SECONDS", 0.0)
    assert network.place("ben", instance="1").id == "c0"


def test_the_preferred_combiner_is_taken_while_it_has_room(network: Network) -> None:
    start(network, c0=10, c1=1)
    assert [network.place(name, instance="1", preferred="c1").id for name in ("ada", "ben")] == ["c1", "c0"]
    assert network.place("cyd", instance="1", preferred="unknown").id == "c0"


def test_a_live_name_is_given_to_no_other_process(network: Network, state: StateStore) -> None:
    start(network, c0=10, c1=10)
    report(network, "c0", "ada")
    with pytest.raises(NameInUse, match="'ada' is connected already, to combiner c0"):
        network.place("ada", instance="another process", preferred="c1")
    network.place("ada", instance="process of ada", preferred="c1")
    document = state.get(Client, "ada")
    assert document is not None
    assert document.combiner == "c1"
    report(network, "c0", left=("ada",))
    network.place("ada", instance="another process")


def test_two_of_one_name_meet_at_one_combiner(network: Network) -> None:
    start(network, c0=10, c1=10)
    assert network.place("ada", instance="1", preferred="c1").id == "c1"
    assert network.place("ada", instance="2", preferred="c0").id == "c1"


def test_listeners_hear_of_every_change_until_they_end_it(network: Network) -> None:
    heard: list[int] = []
    unlisten = network.listen(lambda: heard.append(len(network.clients())))
    start(network, c0=10)
    report(network, "c0", "ada")
    report(network, "c0")  # nothing new
    report(network, "c0", left=("ada",))
    for reason in ("gone", "gone", "forgotten"):
        network.lost("c0", reason)
    unlisten()
    report(network, "c0", "ada")
    assert heard == [0, 0, 1, 0, 0, 0]
