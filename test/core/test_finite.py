from typing import Any

import numpy as np
import pytest

from fedn.core import dtypes
from fedn.core.dtypes import BOUND, Array
from fedn.core.finite import check_finite, check_values
from fedn.errors import InvalidUpdate

FLOATS = [np.dtype(name) for name in ("f2", "f4", "f8", "V2")]


@pytest.mark.parametrize("dtype", FLOATS, ids=dtypes.name_of)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_found_anywhere(dtype: Any, value: float) -> None:
    for index in (0, 77, 299_999):
        array: Array = np.ones(300_000)
        check_finite({"fine": dtypes.cast(array, dtype), "n": np.ones(3, np.int8)})
        array[index] = value
        bad = dtypes.cast(array, dtype).reshape(100, 3000).T
        with pytest.raises(InvalidUpdate, match="array 'bad' has values that are not finite"):
            check_finite({"fine": np.ones(3), "bad": bad})


@pytest.mark.parametrize("dtype", FLOATS, ids=dtypes.name_of)
def test_the_largest_value_of_a_type_is_fine(dtype: Any) -> None:
    most = dtypes.bound(dtype)
    check_finite({"w": dtypes.cast(np.array([most, -most]), dtype)})


def test_float64_is_bounded() -> None:
    with pytest.raises(InvalidUpdate, match=r"array 'x' has values up to 8.45271e\+270, the model's float64 takes"):
        check_finite({"x": np.array([-BOUND])})


@pytest.mark.parametrize("model", FLOATS, ids=dtypes.name_of)
@pytest.mark.parametrize("update", FLOATS, ids=dtypes.name_of)
def test_floats_of_an_update_are_bounded_by_the_type_of_the_model(model: Any, update: Any) -> None:
    limit = dtypes.bound(model)
    fine = dtypes.cast(np.array([0.99 * min(limit, dtypes.largest(update)), 0.0]), update)
    check_values("w", fine, model)
    if dtypes.largest(update) > limit:
        above = dtypes.cast(np.append(np.zeros(200_000), -1.003 * limit), update)
        with pytest.raises(InvalidUpdate, match=rf"'w' has values up to .*, the model's {dtypes.name_of(model)} takes"):
            check_values("w", above, model)


def test_other_numbers_are_not_bounded() -> None:
    check_values("n", np.array([2**64 - 1], np.uint64), np.dtype(np.uint64))
