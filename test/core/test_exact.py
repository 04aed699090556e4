"""What only exact partials promise: no bit is lost, whatever the values and however many they are."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fedn.core import weights as files
from fedn.core.aggregation import ExactPartial, from_bytes
from fedn.core.dtypes import BOUND as LARGEST
from fedn.core.layout import Layout
from fedn.core.levels import CAPACITY, LOWEST, WORD, Level, words
from fedn.errors import Corrupt

doubles = st.floats(-LARGEST, LARGEST, exclude_min=True, exclude_max=True)
columns = st.integers(1, 4).flatmap(
    lambda n: st.lists(st.lists(doubles, min_size=n, max_size=n), min_size=1, max_size=10)
)


def partial_of(rows: list[list[float]], weights: list[float] | None = None) -> ExactPartial:
    partial = ExactPartial(Layout.of({"w": np.zeros(len(rows[0]))}))
    for row, weight in zip(rows, weights or [1] * len(rows), strict=True):
        partial.fold({"w": np.array(row)}, weight)
    return partial


def held(partial: ExactPartial) -> list[Fraction]:
    """The sums, as exactly as the file of the partial holds them."""
    arrays = files.read(partial.to_bytes())
    sums = [Fraction(0)] * partial.layout.size
    for name, integers in arrays.items():
        if name != "partial":
            block, exponent = map(int, name.split("/"))
            start = block * ExactPartial.BLOCK
            for index, integer in enumerate(integers.tolist(), start):
                sums[index] += integer * Fraction(2) ** exponent
    return sums


@given(columns)
def test_sums_of_any_float64_are_exact(rows: list[list[float]]) -> None:
    assert held(partial_of(rows)) == [sum(map(Fraction, column)) for column in zip(*rows, strict=True)]


@given(columns, st.data())
def test_a_product_is_rounded_once(rows: list[list[float]], data: st.DataObject) -> None:
    some = st.one_of(st.integers(1, 2**53), st.floats(1e-300, 2**53))
    weights = [data.draw(some) for _ in rows]
    products = [[Fraction(x * float(w)) for x in row] for row, w in zip(rows, weights, strict=True)]
    assert held(partial_of(rows, weights)) == [sum(column) for column in zip(*products, strict=True)]


@given(columns, columns)
def test_merging_is_exact(rows: list[list[float]], others: list[list[float]]) -> None:
    width = min(len(rows[0]), len(others[0]))
    rows, others = [row[:width] for row in rows], [row[:width] for row in others]
    partial = partial_of(rows)
    partial.merge(partial_of(others))
    assert held(partial) == [sum(map(Fraction, column)) for column in zip(*rows, *others, strict=True)]


@given(columns)
def test_reading_back_is_exact(rows: list[list[float]]) -> None:
    partial = partial_of(rows)
    read = from_bytes(partial.to_bytes())
    assert isinstance(read, ExactPartial)
    assert held(read) == held(partial)


@given(columns)
@example([[1.0], [2.0**-53], [2.0**-80]])
@example([[1.0], [-(2.0**-54)], [-(2.0**-80)]])
def test_the_mean_is_within_its_bound(rows: list[list[float]]) -> None:
    for mean, column in zip(partial_of(rows).mean()["w"].tolist(), zip(*rows, strict=True), strict=True):
        exact = sum(map(Fraction, column), Fraction(0)) / len(rows)
        assert abs(Fraction(mean) - exact) <= abs(exact) * Fraction(1, 2**51) + Fraction(math.ulp(0))


def test_no_number_of_updates_is_too_large() -> None:
    row = [float(np.float32(1 / 3)), -1.0, float(np.finfo(np.float32).max), 0.0]
    partial = ExactPartial(Layout.of({"w": np.zeros(4, np.float32)}))
    checked = partial.check({"w": np.array(row, np.float32)}, 2**29 - 1)
    partial.add([checked] * 20_000)
    assert held(partial) == [20_000 * (2**29 - 1) * Fraction(x) for x in row]


def test_doubling_by_merging_never_overflows() -> None:
    """Every merge doubles the sums: a hundred of them leave the range of 64 bits behind again and again."""
    values = [float(np.float32(1 / 3)), -1.0]
    total = partial_of([values])
    for _ in range(100):
        copy = from_bytes(total.to_bytes())
        total.merge(copy)
    assert held(total) == [2**100 * Fraction(x) for x in values]


def test_levels_stay_few_whatever_the_values() -> None:
    generator = np.random.default_rng(1)
    partial = ExactPartial(Layout.of({"w": np.zeros(8, np.float32)}))
    exponents = [*range(-149, 128), *generator.permutation(np.arange(-149, 128)).tolist()]
    expected = [Fraction(0)] * 8
    for exponent in exponents:
        values = np.ldexp(generator.uniform(-1, 1, 8), exponent).astype(np.float32)
        weight = int(generator.integers(1, 1 << 29))
        partial.fold({"w": values}, weight)
        expected = [a + weight * Fraction(float(b)) for a, b in zip(expected, values, strict=True)]
    assert held(partial) == expected
    assert len(files.read(partial.to_bytes())) - 1 <= 24


def test_training_needs_few_levels() -> None:
    generator = np.random.default_rng(1)
    partial = ExactPartial(Layout.of({"w": np.zeros(100_000, np.float32)}))
    for weight in generator.integers(1, 1000, 50).tolist():
        partial.fold({"w": generator.normal(0, 0.05, 100_000).astype(np.float32)}, weight)
    assert len(files.read(partial.to_bytes())) - 1 <= 3 * 4


@given(st.lists(st.tuples(st.integers(LOWEST, 900), st.integers(-CAPACITY + 1, CAPACITY - 1)), min_size=1, max_size=6))
def test_words_are_the_one_form_of_a_sum(numbers: list[tuple[int, int]]) -> None:
    levels = [Level(exponent, np.array([integer])) for exponent, integer in numbers]
    summands, lowest = words(levels)
    value = sum(integer * Fraction(2) ** exponent for exponent, integer in numbers)
    assert sum(int(word[0]) * Fraction(2) ** (WORD * place) for place, word in enumerate(summands, lowest)) == value
    assert all(-(2**31) <= word[0] < 2**31 for word in summands)


@pytest.mark.parametrize(
    ("name", "integers"),
    [
        ("0/0", np.ones(3)),
        ("0/0", np.ones(4, np.int64)),
        ("1/0", np.ones(3, np.int64)),
        ("-1/0", np.ones(3, np.int64)),
        ("0/1000", np.ones(3, np.int64)),
        ("0/-1075", np.ones(3, np.int64)),
        ("0/x", np.ones(3, np.int64)),
        ("sums", np.ones(3, np.int64)),
        ("0/0", np.full(3, CAPACITY)),
        ("0/0", np.full(3, -CAPACITY)),
    ],
)
def test_damaged_levels_are_found(name: str, integers: Any) -> None:
    arrays = {**files.read(partial_of([[1.0, 2.0, 3.0]]).to_bytes()), name: integers}
    with pytest.raises(Corrupt):
        from_bytes(files.to_bytes(arrays))
