from __future__ import annotations

from itertools import islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedn.rpc.retry import backoff


@given(st.floats(0.01, 1.0), st.floats(1.0, 60.0), st.randoms(use_true_random=False))
def test_delays_stay_below_a_bound_that_doubles_up_to_the_longest(first: float, longest: float, draw: Random) -> None:
    for attempt, delay in enumerate(islice(backoff(first=first, longest=longest, draw=draw), 20)):
        assert 0 <= delay <= min(first * 2**attempt, longest)


class Highest(Random):
    """Draws the upper end of any interval."""

    def random(self) -> float:
        return 1.0


def test_the_bounds() -> None:
    delays = backoff(first=0.5, longest=3.0, draw=Highest())
    assert list(islice(delays, 6)) == [0.5, 1.0, 2.0, 3.0, 3.0, 3.0]


def test_two_that_lost_the_same_server_do_not_come_back_together() -> None:
    one, other = (list(islice(backoff(draw=Random(seed)), 10)) for seed in (1, 2))
    assert all(abs(first - second) > 0.001 for first, second in zip(one, other, strict=True))
    assert sum(islice(backoff(first=1.0, longest=1.0, draw=Random(3)), 1000)) == pytest.approx(500, rel=0.1)


def test_without_a_generator_the_systems_own_is_used() -> None:
    assert len(set(islice(backoff(), 10))) == 10
