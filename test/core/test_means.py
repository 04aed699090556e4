"""The mean of every type of number, for both kinds of partials, and of updates whose floats have another precision."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fedn.core import bfloat16, dtypes
from fedn.core.aggregation import ExactPartial, Partial, SumPartial, from_bytes
from fedn.core.dtypes import Array, DType
from fedn.core.layout import Layout
from fedn.errors import InvalidUpdate

KINDS: list[type[Partial]] = [SumPartial, ExactPartial]
FLOATS = [np.dtype(name) for name in ("f2", "f4", "f8", "V2")]
SHORT = [dtype for dtype in FLOATS if dtype != np.float64]
INTEGERS = [np.dtype(name) for name in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")]
BOOL = np.dtype("?")
COUNTABLE = 2**47
"""Integers up to here are far from where float64 would round them."""

weights = st.integers(1, 2**29 - 1)


def values_of(dtype: DType) -> st.SearchStrategy[float]:
    if dtypes.is_float(dtype):
        most = dtypes.bound(dtype)
        wide = st.floats(-most, most, width=64 if dtype.itemsize == 8 else 32)
        return wide.map(lambda value: float(dtypes.floats(dtypes.cast(np.array(value), dtype)))).filter(math.isfinite)
    if dtype == BOOL:
        return st.integers(0, 1)
    info = np.iinfo(dtype)
    return st.integers(max(int(info.min), -COUNTABLE), min(int(info.max), COUNTABLE))


def array_of(values: Any, dtype: DType) -> Array:
    return dtypes.cast(np.array(values, np.float64), dtype) if dtypes.is_float(dtype) else np.array(values, dtype)


def mean(kind: type[Partial], dtype: DType, updates: list[tuple[Array, float]]) -> Array:
    shape = updates[0][0].shape
    partial = kind(Layout.of({"w": np.zeros(shape, dtype)}))
    for array, weight in updates:
        partial.fold({"w": array}, weight)
    result = from_bytes(partial.to_bytes()).mean()["w"]
    assert (result.dtype, result.shape) == (dtype, shape)
    return result


def mean_of(kind: type[Partial], dtype: DType, values: list[Any], *, given_as: DType | None = None) -> float:
    """The plain mean of numbers."""
    updates = [(array_of(value, given_as or dtype), 1.0) for value in values]
    return float(dtypes.floats(mean(kind, dtype, updates)))


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_a_mean_lies_between_the_smallest_and_the_largest(kind: type[Partial], data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from([*SHORT, *INTEGERS, BOOL]))
    drawn = data.draw(st.lists(st.tuples(values_of(dtype), weights), min_size=1, max_size=6))
    result = mean(kind, dtype, [(array_of(value, dtype), weight) for value, weight in drawn])
    values = [value for value, _ in drawn]
    assert min(values) <= dtypes.floats(result).item() <= max(values)


@given(st.data())
def test_an_exact_mean_is_that_of_float64_rounded_once(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(SHORT))
    drawn = data.draw(st.lists(st.tuples(values_of(dtype), weights), min_size=1, max_size=6))
    updates = [(array_of([value], dtype), float(weight)) for value, weight in drawn]
    total = sum(weight for _, weight in drawn)
    expected = array_of([math.fsum(value * weight for value, weight in drawn) / total], dtype)
    orders = (updates, data.draw(st.permutations(updates)))
    assert {mean(ExactPartial, dtype, order).tobytes() for order in orders} == {expected.tobytes()}


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_whole_numbers_are_rounded_to_the_nearest_and_half_to_even(kind: type[Partial], data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from([*INTEGERS, BOOL]))
    small = st.integers(0, 1) if dtype == BOOL else st.integers(0 if dtype.kind == "u" else -100, 100)
    drawn = data.draw(st.lists(st.tuples(small, st.integers(1, 1000)), min_size=1, max_size=6))
    result = mean(kind, dtype, [(array_of(value, dtype), weight) for value, weight in drawn])
    exact = Fraction(sum(value * weight for value, weight in drawn), sum(weight for _, weight in drawn))
    assert int(result) == round(exact)


@pytest.mark.parametrize("kind", KINDS)
@given(
    dtype=st.sampled_from(FLOATS), given_as=st.sampled_from(FLOATS), halves=st.lists(st.integers(-256, 256)), n=weights
)
@example(dtype=FLOATS[3], given_as=FLOATS[2], halves=[1, 256], n=3)
def test_the_precision_of_an_update_makes_no_difference_where_it_holds_the_values(
    kind: type[Partial], dtype: DType, given_as: DType, halves: list[int], n: int
) -> None:
    values = [half / 2 for half in halves] or [0.0]
    other = np.ones(len(values))
    same = mean(kind, dtype, [(array_of(values, dtype), n), (array_of(other, dtype), 2)])
    mixed = mean(kind, dtype, [(array_of(values, given_as), n), (array_of(other, dtype), 2)])
    assert same.tobytes() == mixed.tobytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("dtype", "values", "expected"),
    [
        ("V2", [1.0, 1 + 2.0**-7], 1.0),  # the middle: to even
        ("V2", [1 + 2.0**-8 + 2.0**-50], 1 + 2.0**-7),  # just above it: by way of float32 it would become the middle
        ("V2", [1 + 3 * 2.0**-8 - 2.0**-50], 1 + 2.0**-7),
        ("V2", [bfloat16.LARGEST, bfloat16.LARGEST], bfloat16.LARGEST),
        ("V2", [2.0**-133, 0.0, 2.0**-133], 2.0**-133),
        ("f2", [1.0, 1 + 2.0**-10], 1.0),
        ("f2", [1 + 2.0**-11 + 2.0**-50], 1 + 2.0**-10),
        ("f2", [1 + 3 * 2.0**-11 - 2.0**-50], 1 + 2.0**-10),
        ("f2", [65504.0] * 9, 65504.0),
        ("f2", [2.0**-24, 0.0, 2.0**-24], 2.0**-24),
        ("f4", [1 + 2.0**-24 + 2.0**-52], 1 + 2.0**-23),
        ("f4", [3.4028234663852886e38] * 9, 3.4028234663852886e38),
        ("f8", [8e270, -8e270, 3.0], 1.0),
    ],
)
def test_a_mean_is_rounded_once_from_float64(kind: type[Partial], dtype: str, values: Any, expected: float) -> None:
    if kind is ExactPartial or values != [8e270, -8e270, 3.0]:
        assert mean_of(kind, np.dtype(dtype), values, given_as=np.dtype("f8")) == expected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", FLOATS, ids=dtypes.name_of)
def test_a_value_that_the_model_cannot_hold_is_refused(kind: type[Partial], dtype: DType) -> None:
    partial = kind(Layout.of({"w": np.zeros(300_000, dtype)}))
    most = dtypes.bound(dtype)
    update = np.zeros(300_000)
    update[-1] = -most
    partial.fold({"w": update}, 1)
    before = partial.to_bytes()
    for bad, reason in ((np.nextafter(most, np.inf), "values up to"), (np.inf, "not finite"), (np.nan, "not finite")):
        update[-1] = bad
        with pytest.raises(InvalidUpdate, match=f"array 'w' has .*{reason}"):
            partial.fold({"w": update}, 1)
    assert partial.to_bytes() == before


@pytest.mark.parametrize("kind", KINDS)
@given(counter=st.integers(-COUNTABLE, COUNTABLE), examples=st.lists(weights, min_size=1, max_size=20))
def test_a_counter_that_all_agree_on_stays_as_it_is(kind: type[Partial], counter: int, examples: list[int]) -> None:
    dtype = np.dtype(np.int64)
    assert int(mean(kind, dtype, [(np.array(counter, dtype), weight) for weight in examples])) == counter


@pytest.mark.parametrize("kind", KINDS)
def test_however_many_agree_on_a_counter(kind: type[Partial]) -> None:
    counters = {"steps": np.arange(2**40 - 100, 2**40)}
    partial = kind(Layout.of(counters))
    partial.add([partial.check(counters, 3**10 + 7 * number) for number in range(4000)])
    np.testing.assert_array_equal(partial.mean()["steps"], counters["steps"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["i8", "u8"])
def test_the_ends_of_64_bits_stay_within_them(kind: type[Partial], dtype: str) -> None:
    info = np.iinfo(dtype)
    for value in (int(info.min), int(info.max), int(info.max) - 1, int(info.max) // 2):
        updates = [(np.array([value], dtype), weight) for weight in (1.0, 3.0, 2.0**29 - 1)]
        result = int(mean(kind, np.dtype(dtype), updates)[0])
        assert info.min <= result <= info.max
        assert abs(result - value) <= abs(value) * 2.0**-50


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS, BOOL], ids=dtypes.name_of)
def test_arrays_without_dimensions_and_without_numbers_are_carried(kind: type[Partial], dtype: DType) -> None:
    model = {"none": np.zeros((2, 0), dtype), "one": array_of(1, dtype), "void": np.zeros(0, dtype)}
    partial = kind(Layout.of(model))
    partial.fold(model, 2)
    partial.merge(from_bytes(partial.to_bytes()))
    for name, array in from_bytes(partial.to_bytes()).mean().items():
        assert (array.dtype, array.shape, array.tobytes()) == (dtype, model[name].shape, model[name].tobytes())


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_without_any_number_is_carried(kind: type[Partial]) -> None:
    model = {"none": np.zeros((2, 0), np.float32)}
    partial = kind(Layout.of(model))
    partial.add([partial.check(model, 2), partial.check(model, 3)])
    partial.merge(from_bytes(partial.to_bytes()))
    assert (partial.count, partial.weight, partial.mean()["none"].shape) == (4, 10, (2, 0))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", FLOATS, ids=dtypes.name_of)
def test_arrays_that_are_not_aligned_are_folded(kind: type[Partial], dtype: DType) -> None:
    array = array_of(np.arange(1, 9), dtype)
    shifted = np.frombuffer(b"x" + array.tobytes(), dtype, offset=1)
    np.testing.assert_array_equal(dtypes.floats(mean(kind, dtype, [(shifted, 3.0)])), np.arange(1, 9))
