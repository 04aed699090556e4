from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fedn.core.selection import choose

clients = st.sets(st.text(min_size=1, max_size=8), max_size=20)
counts = st.integers(0, 25)
fractions = st.floats(0.01, 1.0)
salts = st.text(max_size=8)


@given(clients, counts, fractions, st.integers(0, 25), salts)
def test_the_choice_is_sorted_of_live_clients_and_of_the_size_wanted(
    live: set[str], count: int, fraction: float, least: int, salt: str
) -> None:
    chosen = choose(live, count=count, fraction=fraction, least=least, salt=salt)
    assert list(chosen) == sorted(set(chosen))
    assert set(chosen) <= live
    assert len(chosen) == min(len(live), max(least, count or round(fraction * len(live))))


@given(clients, counts, fractions, salts, st.randoms(use_true_random=False))
def test_the_order_in_which_clients_came_does_not_matter(
    live: set[str], count: int, fraction: float, salt: str, order: Random
) -> None:
    shuffled = sorted(live)
    order.shuffle(shuffled)
    assert choose(shuffled, count=count, fraction=fraction, salt=salt) == choose(
        sorted(live), count=count, fraction=fraction, salt=salt
    )


@given(clients, counts, salts)
def test_whoever_is_among_the_first_few_is_among_the_first_more(live: set[str], count: int, salt: str) -> None:
    assume(count)
    assert set(choose(live, count=count, salt=salt)) <= set(choose(live, count=count + 1, salt=salt))


@given(clients, counts, salts, st.data())
def test_a_client_that_leaves_changes_no_draw_but_its_own(
    live: set[str], count: int, salt: str, data: st.DataObject
) -> None:
    assume(count and live)
    leaver = data.draw(st.sampled_from(sorted(live)))
    before, after = (set(choose(some, count=count, salt=salt)) for some in (live, live - {leaver}))
    assert before - {leaver} <= after
    assert leaver in before or before == after


@pytest.mark.parametrize("least", [1, 2])
def test_every_client_has_the_same_chance(least: int) -> None:
    live = [f"client{number}" for number in range(10)]
    drawn = Counter(name for salt in range(1000) for name in choose(live, fraction=0.01, least=least, salt=str(salt)))
    assert set(drawn) == set(live)
    assert all(70 * least < times < 130 * least for times in drawn.values())


def test_by_default_all_are_chosen() -> None:
    assert choose({"b", "a"}, salt="") == ("a", "b")
    assert choose([], salt="") == ()
