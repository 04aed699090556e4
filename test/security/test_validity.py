"""When a certificate is renewed."""

from __future__ import annotations

import pytest

from fedn.security.validity import LOOK_SECONDS, Validity

DAY = 86_400.0


def test_it_is_due_after_two_thirds_of_its_time() -> None:
    validity = Validity(start=1000.0, end=1030.0)
    assert validity.wait(1000.0) == pytest.approx(20.0)
    assert validity.wait(1019.0) == pytest.approx(1.0)
    assert validity.wait(1020.0) == validity.wait(1031.0) == 0.0


def test_the_clock_is_looked_at_every_hour() -> None:
    """A machine that slept, or whose clock was set, must not wait on for months."""
    validity = Validity(start=0.0, end=90 * DAY)
    assert validity.wait(0.0) == LOOK_SECONDS
    assert validity.wait(61 * DAY) == 0.0


def test_a_clock_that_was_put_back_makes_it_due() -> None:
    assert Validity(start=1000.0, end=1030.0).wait(999.0) == 0.0


def test_it_is_over_at_its_end() -> None:
    validity = Validity(start=0.0, end=10.0)
    assert not validity.over(9.9)
    assert validity.over(10.0)


def test_rests_between_attempts_leave_room_for_several_before_the_end() -> None:
    validity = Validity(start=0.0, end=90 * DAY)
    assert validity.rest(60 * DAY) == LOOK_SECONDS
    assert validity.rest(90 * DAY - 1200) == 120.0
    assert validity.rest(91 * DAY) == 60.0
