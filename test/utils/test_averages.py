"""`increment_average` of every helper: the mean of n models, from that of n - 1 and the last."""

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from fedn.errors import InvalidInput, InvalidModel
from fedn.utils.helpers import get_helper

Array = np.ndarray[Any, Any]

PACKED: dict[str, tuple[Callable[[Array], Any], Callable[[Any], Array]]] = {
    "keras": (lambda array: [array, 2 * array], lambda model: model[0]),
    "numpy": (lambda array: {"a": [array, (array,)]}, lambda model: model["a"][1][0]),
    "numpyarray": (lambda array: array, lambda model: model),
    "pytorch": (lambda array: {"w": array}, lambda model: model["w"]),
    "safetensors": (lambda array: {"w": array}, lambda model: model["w"]),
    "sklearn": (lambda array: {"w": array}, lambda model: model["w"]),
}
"""A model of an array, and the array of a model."""

every_helper = pytest.mark.parametrize("name", PACKED)


def mean_of(name: str, parts: list[Array]) -> Array:
    helper, (pack, unpack) = get_helper(name), PACKED[name]
    mean = pack(parts[0])
    for n, part in enumerate(parts[1:], start=2):
        mean = helper.increment_average(mean, pack(part), n)
    return unpack(mean)


numbers = st.sampled_from([np.float16, np.float32, np.float64, np.int8, np.uint8, np.int64, np.bool_]).flatmap(
    lambda dtype: st.lists(
        arrays(
            dtype,
            (2, 3),
            elements={"min_value": -1000, "max_value": 1000} if np.dtype(dtype).kind == "f" else None,
        ),
        min_size=2,
        max_size=6,
    )
)


@every_helper
@given(parts=numbers)
def test_one_by_one_it_is_the_mean(name: str, parts: list[Array]) -> None:
    mean, dtype = mean_of(name, parts), parts[0].dtype
    assert mean.dtype == (dtype if dtype.kind == "f" else np.float64)
    eps = len(parts) * float(np.finfo(mean.dtype).eps)
    expected = np.mean(np.array(parts, np.float64), axis=0)
    scale = float(np.abs(np.array(parts, np.float64)).max())
    assert_allclose(mean.astype(np.float64), expected, rtol=eps, atol=eps * scale)


@every_helper
def test_the_mean_of_equals_is_the_same(name: str) -> None:
    array = np.random.default_rng(0).normal(size=(3, 3)).astype(np.float32)
    assert_array_equal(mean_of(name, [array] * 5), array, strict=True)


@every_helper
def test_the_models_stay_as_they_are(name: str) -> None:
    one, two = np.zeros((2, 2)), np.ones((2, 2))
    mean = mean_of(name, [one, two])
    mean += 5
    assert_array_equal(one, 0)
    assert_array_equal(two, 1)


@every_helper
def test_bfloat16_is_averaged_as_float32(name: str) -> None:
    mean = mean_of(name, [np.array([1.0, 2.0], ml_dtypes.bfloat16), np.array([2.0, 4.0], ml_dtypes.bfloat16)])
    assert_array_equal(mean, np.array([1.5, 3.0], np.float32), strict=True)


@pytest.mark.parametrize("n", [3, 3.0, np.int64(3), np.float64(3)])
def test_the_type_of_n_has_no_part_in_it(n: Any) -> None:
    [mean] = get_helper("keras").increment_average([np.zeros(1, np.float32)], [np.array([3], np.float32)], n)
    assert_array_equal(mean, np.array([1], np.float32), strict=True)


def test_the_wider_type_wins() -> None:
    [mean] = get_helper("keras").increment_average([np.zeros(1, np.float32)], [np.ones(1)], 2)
    assert mean.dtype == np.float64


@every_helper
@pytest.mark.parametrize("n", [0, -1])
def test_there_is_no_mean_of_no_models(name: str, n: int) -> None:
    model = PACKED[name][0](np.ones((2, 2)))
    with pytest.raises(InvalidInput, match=f"there is no mean of {n} models"):
        get_helper(name).increment_average(model, model, n)


@every_helper
def test_models_of_two_shapes_have_no_mean(name: str) -> None:
    pack = PACKED[name][0]
    with pytest.raises(InvalidModel, match=r"has shape \(1, 2\) in the mean and \(3, 2\) in the last model"):
        get_helper(name).increment_average(pack(np.ones((1, 2))), pack(np.ones((3, 2))), 2)


def test_models_of_two_names_have_no_mean() -> None:
    with pytest.raises(InvalidModel, match="array '1' is in one of the models only"):
        get_helper("keras").increment_average([np.ones(1)], [np.ones(1)] * 2, 2)
    with pytest.raises(InvalidModel, match="array 'a' is in one of the models only"):
        get_helper("pytorch").increment_average({"a": np.ones(1)}, {"b": np.ones(1)}, 2)
