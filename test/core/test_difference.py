from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fedn.core import bfloat16
from fedn.core.difference import Distance, difference
from fedn.core.dtypes import BOUND
from fedn.core.weights import Weights
from fedn.errors import Conflict, InvalidModel

PARTS: Weights = {
    "large": np.arange(300_000, dtype=np.float32).reshape(3, 100, 1000),
    "none": np.zeros((0, 3)),
    "steps": np.array(7),
    "brain": bfloat16.narrow(np.arange(4.0)),
    "mask": np.array([True, False, True]),
    "bytes": np.array([0, 255], np.uint8),
}

finite = hnp.arrays(np.float64, hnp.array_shapes(max_dims=2, min_side=0), elements=st.floats(-1e100, 1e100))


def close(value: float) -> object:
    return pytest.approx(value, rel=1e-12)


@given(finite)
def test_norms_are_those_of_the_definition(values: np.ndarray) -> None:
    a, b = {"w": values}, {"w": -values / 3}
    exact = math.sqrt(math.fsum((value / 1e80) ** 2 for value in values.ravel())) * 1e80
    found = difference(a, b).total
    if exact > 1e-50:  # below, the definition as it is computed here loses digits
        assert found.norm_a == close(exact)
        assert found.difference == pytest.approx(exact * 4 / 3, rel=1e-9)
    assert difference(b, a).total.difference == found.difference


def test_arrays_are_compared_by_name_and_the_whole_is_made_of_them() -> None:
    other = {name: PARTS[name] for name in reversed(PARTS)}
    other["large"] = np.asfortranarray(PARTS["large"] + 2)
    other["bytes"] = np.array([255, 0], np.uint8)
    other["mask"] = np.array([True, True, True])
    other["brain"] = np.ones(4)
    found = difference(PARTS, other)
    assert [(one.name, one.shape, one.dtype) for one in found.arrays] == [
        ("large", (3, 100, 1000), "float32"),
        ("none", (0, 3), "float64"),
        ("steps", (), "int64"),
        ("brain", (4,), "bfloat16"),
        ("mask", (3,), "bool"),
        ("bytes", (2,), "uint8"),
    ]
    by_name = {one.name: one.distance for one in found.arrays}
    assert by_name["large"].norm_a == close(math.sqrt(sum(n * n for n in range(300_000))))
    assert by_name["large"].difference == close(2 * math.sqrt(300_000))
    assert by_name["none"] == Distance(0.0, 0.0, 0.0)
    assert by_name["steps"] == Distance(7.0, 7.0, 0.0)
    assert by_name["brain"].difference == close(math.sqrt(1 + 0 + 1 + 4))
    assert by_name["mask"].difference == 1.0
    assert by_name["bytes"].difference == close(255 * math.sqrt(2))
    for norm in ("norm_a", "norm_b", "difference"):
        assert getattr(found.total, norm) == close(math.hypot(*(getattr(one, norm) for one in by_name.values())))


@pytest.mark.parametrize("value", [math.nextafter(BOUND, 0), 1e-200, 1.0])
def test_no_norm_is_lost_beyond_what_squares_can_hold(value: float) -> None:
    found = difference({"w": np.full(4, value)}, {"w": np.full(4, -value)}).total
    assert (found.norm_a, found.norm_b, found.difference) == (close(2 * value), close(2 * value), close(4 * value))


def test_the_difference_is_taken_by_the_norm_of_the_first() -> None:
    assert difference({"w": np.array([4.0])}, {"w": np.array([5.0])}).total.relative == 0.25
    assert difference({"w": np.zeros(2)}, {"w": np.zeros(2)}).total.relative == 0.0
    assert difference({"w": np.zeros(2)}, {"w": np.ones(2)}).total.relative is None


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({}, "'w' is in the first only"),
        ({"w": np.zeros((2, 3)), "v": np.zeros(1)}, "'v' is in the second only"),
        ({"w": np.zeros((3, 2))}, r"'w' has the shapes \(2, 3\) and \(3, 2\)"),
        ({"w": np.zeros((2, 3), np.int64)}, "'w' holds float64 and int64"),
    ],
)
def test_models_of_other_arrays_are_not_compared(other: Weights, said: str) -> None:
    with pytest.raises(Conflict, match=said):
        difference({"w": np.zeros((2, 3))}, other)


def test_a_message_names_only_some_of_many_arrays() -> None:
    with pytest.raises(Conflict, match=r"'4' is in the first only; … \("):
        difference({str(number): np.zeros(1) for number in range(9)}, {"x": np.zeros(1)})


def test_what_is_no_model_is_not_compared() -> None:
    with pytest.raises(InvalidModel, match="array 'w'"):
        difference({"w": np.array([1j])}, {"w": np.array([1j])})
