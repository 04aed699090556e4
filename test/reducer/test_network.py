from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fedn.errors import Conflict, NameInUse, NotFound, Unavailable
from fedn.reducer import presence
from fedn.reducer.feed import Feed
from fedn.reducer.network import Network
from fedn.reducer.presence import ClientView
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
    monkeypatch.setattr(presence, "PENDING_SECONDS", 0.0)
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


def test_a_drained_combiner_stays_drained_wherever_it_and_the_reducer_start_anew(
    network: Network, state: StateStore
) -> None:
    start(network, c0=10, c1=10)
    report(network, "c0", "ada")
    assert network.set_drained("c0", True).drained
    assert network.shares() == {}  # before the combiner itself says that it is draining
    assert network.place("ben", instance="1", preferred="c0").id == "c1"
    announce(network, "c0", port=2)
    report(network, "c0", "ada")
    again = Network(state, Feed())
    assert [(view.name, view.drained, view.draining) for view in again.combiners()] == [
        ("c0", True, True),
        ("c1", False, False),
    ]
    assert network.combiner("c0").port == 2
    network.set_drained("c0", False)
    assert network.shares() == {"c0": ("ada",)}
    with pytest.raises(NotFound, match="no combiner 'c9'"):
        network.set_drained("c9", True)


def test_only_a_combiner_without_a_part_in_the_network_is_removed(network: Network, state: StateStore) -> None:
    start(network, c0=10, c1=10)
    report(network, "c0", "ada")
    with pytest.raises(Conflict, match="c0 is connected and takes clients"):
        network.remove("c0")
    network.set_drained("c0", True)
    with pytest.raises(Conflict, match="is being drained and has 1 clients still"):
        network.remove("c0")
    report(network, "c0", left=("ada",), draining=True)
    assert network.remove("c0").name == "c0"
    network.lost("c1", "the cable is cut")
    network.remove("c1")
    assert network.combiners() == []
    assert state.find(Combiner) == []
    report(network, "c0", "ada")  # a last word of its watch
    network.lost("c0", "it closed the line")
    network.answered("c0", round_trip=1.0)
    assert network.combiners() == []
    with pytest.raises(NotFound):
        network.remove("c0")
    start(network, c0=10)
    assert not network.combiner("c0").drained


def test_a_client_that_is_moved_finds_its_place_kept(network: Network) -> None:
    start(network, c0=10, c1=1)
    report(network, "c0", "ada")
    at, target = network.move("ada", "c1")
    assert (at, target.id) == ("c0", "c1")
    assert network.place("ben", instance="1", preferred="c1").id == "c0"
    assert network.place("ada", instance="process of ada", preferred="c0").id == "c1"
    report(network, "c1", "ada")
    report(network, "c0", left=("ada",))
    assert network.client("ada").combiner == "c1"
    assert network.place("ada", instance="process of ada", preferred="c1").id == "c1"  # it is full only for others


def test_a_client_that_could_not_be_told_leaves_no_place_taken(network: Network) -> None:
    start(network, c0=10, c1=1)
    report(network, "c0", "ada")
    network.move("ada", "c1")
    network.forget_client("ada")
    assert network.place("ben", instance="1", preferred="c1").id == "c1"


def test_a_client_moves_only_where_it_can(network: Network) -> None:
    start(network, c0=10, c1=1, c2=10, c3=10)
    report(network, "c0", "ada")
    report(network, "c1", "ben")
    old = ClientView(name="old", combiner="c0", legacy=True)
    network.update("c0", joined=[old], left=[], processor=0, memory_bytes=0, draining=False)
    network.set_drained("c2", True)
    network.lost("c3", "the cable is cut")
    report(network, "c2", draining=True)
    for client, target, kind, text in (
        ("ada", "c9", NotFound, "no combiner 'c9'"),
        ("zed", "c1", NotFound, "no client 'zed' is connected"),
        ("old", "c1", Conflict, "old is a client of 2021"),
        ("ada", "c0", Conflict, "is at combiner c0 already"),
        ("ada", "c1", Unavailable, "c1 is full: it has 1 of 1 clients"),
        ("ada", "c2", Conflict, "c2 is draining"),
        ("ada", "c3", Unavailable, "c3 is out of reach: the cable is cut"),
    ):
        with pytest.raises(kind, match=text) as raised:
            network.move(client, target)
        assert raised.value.hint or client == "ada", text


def test_a_client_that_is_about_to_go_is_asked_for_nothing_more(network: Network) -> None:
    start(network, c0=10)
    for name, leaving in (("ada", True), ("ben", False)):
        view = ClientView(name=name, combiner="c0", leaving=leaving)
        network.update("c0", joined=[view], left=[], processor=0, memory_bytes=0, draining=False)
    assert network.shares() == {"c0": ("ben",)}


def test_a_combiner_s_round_trip_and_when_it_was_seen_are_kept(network: Network) -> None:
    announce(network, "c0")
    assert (network.combiner("c0").round_trip, network.combiner("c0").last_seen) == (None, None)
    network.answered("c0", round_trip=0.25)
    began = time.time()
    report(network, "c0")
    network.lost("c0", "the cable is cut")
    found = network.combiner("c0")
    assert found.round_trip == 0.25
    assert found.last_seen is not None
    assert began <= found.last_seen <= time.time()
