"""The laws of partials, for both kinds, on random updates, orders, splits and groupings."""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fedn.core.aggregation import ExactPartial, Partial, SumPartial, from_bytes
from fedn.core.layout import Layout, Weights

Update = tuple[Weights, float]
KINDS: list[type[Partial]] = [SumPartial, ExactPartial]
LAYOUT = Layout.of(
    {"w": np.zeros((2, 2), np.float32), "b": np.zeros(3, np.float32), "none": np.zeros((0, 2), np.float32)}
)

floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
examples = st.integers(1, 2**29 - 1)


@st.composite
def some_updates(draw: st.DrawFn, values: st.SearchStrategy[float] = floats) -> list[Update]:
    def array(index: int) -> st.SearchStrategy[Any]:
        return hnp.arrays(LAYOUT.dtypes[index], LAYOUT.shapes[index], elements=values)

    weights = st.fixed_dictionaries({name: array(index) for index, name in enumerate(LAYOUT.names)})
    return draw(st.lists(st.tuples(weights, examples), min_size=1, max_size=8))


def folded(kind: type[Partial], updates: Sequence[Update]) -> Partial:
    partial = kind(LAYOUT)
    for weights, weight in updates:
        partial.fold(weights, weight)
    return partial


def grouped(data: st.DataObject, kind: type[Partial], updates: Sequence[Update]) -> Partial:
    """`updates` in any order, along any tree of merges, some of the partials by way of their files."""
    if len(updates) < 2 or data.draw(st.booleans()):
        partial = folded(kind, data.draw(st.permutations(updates)))
    else:
        middle = data.draw(st.integers(0, len(updates)))
        partial = grouped(data, kind, updates[:middle])
        partial.merge(grouped(data, kind, updates[middle:]))
    return from_bytes(partial.to_bytes()) if data.draw(st.booleans()) else partial


def bits(weights: Weights) -> list[bytes]:
    return [array.tobytes() for array in weights.values()]


def numbers(updates: Sequence[Update]) -> Iterator[list[tuple[float, int]]]:
    """Of each number of the model, what the updates say and weigh."""
    for name, size in zip(LAYOUT.names, LAYOUT.sizes, strict=True):
        for index in range(size):
            yield [(float(weights[name].flat[index]), int(weight)) for weights, weight in updates]


def flat(weights: Weights) -> list[float]:
    return [float(value) for array in weights.values() for value in array.flat]


@given(st.data(), some_updates())
def test_exact_partials_have_the_same_mean_however_updates_are_grouped(
    data: st.DataObject, updates: list[Update]
) -> None:
    total = grouped(data, ExactPartial, updates)
    assert bits(total.mean()) == bits(folded(ExactPartial, updates).mean())
    assert (total.count, total.weight) == (len(updates), sum(weight for _, weight in updates))


@given(some_updates())
def test_the_exact_mean_is_the_flat_float64_mean_rounded_to_float32(updates: list[Update]) -> None:
    weight = sum(weight for _, weight in updates)
    expected = [np.float32(math.fsum(x * w for x, w in number) / weight) for number in numbers(updates)]
    assert flat(folded(ExactPartial, updates).mean()) == [float(value) for value in expected]


@given(st.data(), some_updates())
def test_sums_stay_within_their_bound_however_updates_are_grouped(data: st.DataObject, updates: list[Update]) -> None:
    total = grouped(data, SumPartial, updates)
    weight = sum(Fraction(weight) for _, weight in updates)
    assert (total.count, total.weight) == (len(updates), weight)
    slack = Fraction(len(updates) + 2, 2**53)  # n for the sum, one for the division, one to spare for the denominator
    for mean, number in zip(flat(total.mean()), numbers(updates), strict=True):
        exact = sum(Fraction(x) * w for x, w in number) / weight
        bound = slack * sum(abs(Fraction(x)) * w for x, w in number) / weight
        assert np.float32(float(exact - bound)) <= mean <= np.float32(float(exact + bound))


@given(some_updates(st.integers(-1000, 1000).map(float)))
def test_both_kinds_agree_where_sums_are_exact(updates: list[Update]) -> None:
    assert flat(folded(SumPartial, updates).mean()) == flat(folded(ExactPartial, updates).mean())


@pytest.mark.parametrize("kind", KINDS)
@given(updates=some_updates())
def test_many_at_once_are_as_one_after_the_other(kind: type[Partial], updates: list[Update]) -> None:
    many = kind(LAYOUT)
    many.add([many.check(*update) for update in updates])
    assert many.to_bytes() == folded(kind, updates).to_bytes()


@pytest.mark.parametrize("kind", KINDS)
@given(updates=some_updates())
def test_a_partial_of_nothing_is_neutral(kind: type[Partial], updates: list[Update]) -> None:
    alone, left, right = folded(kind, updates), kind(LAYOUT), folded(kind, updates)
    left.merge(alone)
    right.merge(kind(LAYOUT))
    assert bits(left.mean()) == bits(right.mean()) == bits(alone.mean())
    assert left.count == right.count == alone.count


@pytest.mark.parametrize("kind", KINDS)
@given(updates=some_updates())
def test_merging_leaves_the_other_as_it_is(kind: type[Partial], updates: list[Update]) -> None:
    one, other = folded(kind, updates), folded(kind, updates)
    before = other.to_bytes()
    one.merge(other)
    one.fold(*updates[0])
    assert other.to_bytes() == before
