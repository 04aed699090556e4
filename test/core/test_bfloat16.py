"""bfloat16 against ml_dtypes, and against the definition of rounding."""

from fractions import Fraction
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fedn.core.bfloat16 import BITS, DTYPE, LARGEST, narrow, widen

EVERY = np.arange(1 << 16, dtype=np.uint16)
"""The bits of every bfloat16."""
FINITE = np.unique(widen(EVERY.view(DTYPE))[np.isfinite(widen(EVERY.view(DTYPE)))].astype(np.float64))
"""Every finite value in order, and zero once."""


def bits(array: Any) -> Any:
    return array.view(np.uint16)


def value(number: float) -> float:
    return float(widen(narrow(np.array(number))))


def test_every_value_is_widened_exactly() -> None:
    with np.errstate(invalid="ignore"):
        expected = EVERY.view(ml_dtypes.bfloat16).astype(np.float32)
    np.testing.assert_array_equal(widen(EVERY.view(DTYPE)).view(np.uint32), expected.view(np.uint32))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_value_comes_back(dtype: Any) -> None:
    wide = widen(EVERY.view(DTYPE))
    with np.errstate(invalid="ignore"):
        back = narrow(wide.astype(dtype))
    number = ~np.isnan(wide)
    np.testing.assert_array_equal(bits(back)[number], EVERY[number])
    assert np.isnan(widen(back)[~number]).all()


def test_nan_stays_one_whatever_is_cut_off_of_it() -> None:
    for pattern in (0x7F800001, 0xFF800001, 0x7FFFFFFF, 0xFFFFFFFF):
        assert np.isnan(widen(narrow(np.array([pattern], np.uint32).view(np.float32)))).all()
    assert np.isnan(widen(narrow(np.array([0x7FF0000000000001, 0xFFFFFFFFFFFFFFFF], np.uint64).view(np.float64)))).all()


def test_float32_is_rounded_as_ml_dtypes_does() -> None:
    generator = np.random.default_rng(1)
    floats = generator.integers(0, 1 << 32, 1_000_000, dtype=np.uint32).view(np.float32)
    halves = widen(EVERY.view(DTYPE)).view(np.uint32) + np.uint32(0x8000)
    floats = np.concatenate([floats, halves.view(np.float32)])
    floats = floats[~np.isnan(floats)]
    np.testing.assert_array_equal(bits(narrow(floats)), bits(floats.astype(ml_dtypes.bfloat16)))


def test_every_float16_is_rounded_as_ml_dtypes_does() -> None:
    floats = EVERY.view(np.float16)
    floats = floats[~np.isnan(floats)]
    np.testing.assert_array_equal(bits(narrow(floats)), bits(floats.astype(ml_dtypes.bfloat16)))


def test_float64_just_beside_a_middle_is_rounded_to_its_own_side() -> None:
    """By way of float32 these would first become the middle, and half of them then go to the wrong side."""
    lower, upper = FINITE[:-1], FINITE[1:]
    middle = (lower + upper) / 2
    even = bits(narrow(lower)) % 2 == 0
    np.testing.assert_array_equal(widen(narrow(middle)), np.where(even, lower, upper))
    np.testing.assert_array_equal(widen(narrow(np.nextafter(middle, -np.inf))), lower)
    np.testing.assert_array_equal(widen(narrow(np.nextafter(middle, np.inf))), upper)


@given(st.floats(-LARGEST, LARGEST))
@example(1 + 2.0**-8)
@example(1 + 2.0**-8 + 2.0**-50)
@example(3 * 2.0**-134)
@example(5e-324)
def test_what_is_rounded_to_is_the_nearest_and_even_in_the_middle(number: float) -> None:
    found = value(number)
    index = int(np.searchsorted(FINITE, found))
    assert FINITE[index] == found
    distance = abs(Fraction(number) - Fraction(found))
    for other in FINITE[max(index - 1, 0) : index + 2].tolist():
        if other != found:
            away = abs(Fraction(number) - Fraction(other))
            assert distance < away or (distance == away and bits(narrow(np.array(found))) % 2 == 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_too_large_becomes_infinite(dtype: Any) -> None:
    middle = LARGEST + 2.0**119  # to the value that would come next
    edge = np.array([LARGEST, np.nextafter(dtype(middle), dtype(0)), middle, -middle, np.inf], dtype)
    np.testing.assert_array_equal(widen(narrow(edge)), [LARGEST, LARGEST, np.inf, -np.inf, np.inf])
    assert (value(1e300), value(-1e300)) == (np.inf, -np.inf)


def test_signs_of_zero_are_kept() -> None:
    np.testing.assert_array_equal(bits(narrow(np.array([0.0, -0.0, 1e-300, -1e-300]))), [0, 0x8000, 0, 0x8000])


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 0, 3), (3, 4)])
def test_shapes_are_kept_and_memory_is_new(shape: tuple[int, ...]) -> None:
    ones = np.ones(shape, np.float32)
    narrowed = narrow(ones)
    wide = widen(narrowed)
    assert (narrowed.shape, wide.shape, narrowed.dtype, wide.dtype) == (shape, shape, DTYPE, np.float32)
    np.testing.assert_array_equal(wide, ones)
    assert wide.flags.writeable


def test_any_order_in_memory_will_do() -> None:
    floats = np.arange(24.0).reshape(4, 6)[::-1, ::2]
    np.testing.assert_array_equal(widen(narrow(floats)), floats)
    np.testing.assert_array_equal(widen(narrow(floats).T[:, ::2]), floats.T[:, ::2])


def test_the_constants_are_those_of_the_type() -> None:
    info = ml_dtypes.finfo(ml_dtypes.bfloat16)
    assert (float(info.max), info.nmant + 1) == (LARGEST, BITS)
    assert np.dtype("V2") == DTYPE
