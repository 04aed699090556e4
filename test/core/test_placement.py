from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedn.core.placement import POLICIES, Load, place
from fedn.errors import InvalidInput, Unavailable


@st.composite
def networks(draw: st.DrawFn) -> list[Load]:
    names = draw(st.lists(st.sampled_from("abcdef"), unique=True))
    sizes = st.integers(0, 6)
    return [Load(name, draw(sizes), draw(sizes), accepting=draw(st.booleans())) for name in names]


policies = st.sampled_from(sorted(POLICIES))


@given(networks(), policies, st.sampled_from(["", "a", "b", "nobody"]))
def test_a_client_gets_a_place_exactly_when_there_is_one(loads: list[Load], policy: str, preferred: str) -> None:
    free = {load.name for load in loads if load.accepting and load.clients < load.max_clients}
    if free:
        assert place(loads, policy=policy, preferred=preferred) in free
    else:
        with pytest.raises(Unavailable, match="no combiner is connected" if not loads else "full or draining"):
            place(loads, policy=policy, preferred=preferred)


@given(networks(), policies, st.randoms(use_true_random=False))
def test_the_order_of_the_combiners_does_not_matter(loads: list[Load], policy: str, order: Random) -> None:
    shuffled = list(loads)
    order.shuffle(shuffled)
    if any(load.free for load in loads):
        assert place(loads, policy=policy) == place(shuffled, policy=policy)


@given(networks())
def test_least_packed_takes_the_smallest_share(loads: list[Load]) -> None:
    shares = {load.name: Fraction(load.clients, load.max_clients) for load in loads if load.free}
    if shares:
        assert shares[place(loads)] == min(shares.values())


@given(networks(), policies)
def test_who_prefers_a_combiner_with_room_goes_there(loads: list[Load], policy: str) -> None:
    for load in loads:
        if load.free:
            assert place(loads, policy=policy, preferred=load.name) == load.name


def fill(loads: list[Load], clients: int, *, policy: str) -> list[str]:
    """Where so many clients go, one after the other."""
    places = []
    for _ in range(clients):
        places.append(place(loads, policy=policy))
        loads = [replace(load, clients=load.clients + (load.name == places[-1])) for load in loads]
    return places


def test_least_packed_spreads_clients_in_proportion_to_room() -> None:
    places = fill([Load("a", 0, 10), Load("b", 0, 10), Load("c", 0, 20)], 20, policy="least-packed")
    assert Counter(places) == {"a": 5, "b": 5, "c": 10}


def test_first_available_fills_one_before_the_next() -> None:
    places = fill([Load("b", 0, 3), Load("a", 1, 3), Load("c", 0, 3, accepting=False)], 5, policy="first-available")
    assert places == ["a", "a", "b", "b", "b"]


def test_an_unknown_policy_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInput, match=r"'random'.*least-packed, first-available"):
        place([Load("a", 0, 1)], policy="random")
