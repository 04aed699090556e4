import numpy as np
import pytest

from fedn.core.layout import LARGEST, Layout, Weights, check_finite
from fedn.core.npy import Array
from fedn.errors import InvalidModel, InvalidUpdate

MODEL: Weights = {"w": np.zeros((2, 3), np.float32), "b": np.zeros(3), "n": np.array(0)}


def test_a_layout_has_names_shapes_and_dtypes_in_order() -> None:
    layout = Layout.of(MODEL)
    assert layout.names == ("w", "b", "n")
    assert layout.shapes == ((2, 3), (3,), ())
    assert [dtype.name for dtype in layout.dtypes] == ["float32", "float64", "int64"]
    assert layout.sizes == (6, 3, 1)
    assert layout.size == 10


def test_a_layout_survives_json() -> None:
    assert Layout.from_json(Layout.of(MODEL).to_json()) == Layout.of(MODEL)
    assert Layout.from_json([]) == Layout.of({})


def test_what_cannot_be_averaged_has_no_layout() -> None:
    with pytest.raises(InvalidModel, match="array 'z' holds values of type complex128"):
        Layout.of({**MODEL, "z": np.array(1j)})


def test_the_order_of_names_may_differ() -> None:
    Layout.of(MODEL).check(dict(reversed(list(MODEL.items()))))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"w": np.zeros((3, 2), np.float32)}, r"'w' has shape \(3, 2\), the model's has \(2, 3\)"),
        ({"b": np.zeros(3, np.float32)}, "'b' holds float32, the model's holds float64"),
        ({"x": np.zeros(1)}, "'x' is not in the model"),
    ],
)
def test_a_difference_is_named(change: Weights, message: str) -> None:
    with pytest.raises(InvalidUpdate, match=message):
        Layout.of(MODEL).check({**MODEL, **change})


def test_a_missing_array_is_named() -> None:
    with pytest.raises(InvalidUpdate, match="'w' is missing"):
        Layout.of(MODEL).check({"b": MODEL["b"], "n": MODEL["n"]})


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_found_anywhere(dtype: type, value: float) -> None:
    for index in (0, 77, 299_999):
        array: Array = np.ones(300_000, dtype)
        check_finite({"fine": array, "n": np.ones(3, np.int8)})
        array[index] = value
        with pytest.raises(InvalidUpdate, match="array 'bad' has values that are not finite"):
            check_finite({"fine": np.ones(3), "bad": array.reshape(100, 3000).T})


def test_float64_is_bounded_and_float32_is_not() -> None:
    check_finite({"w": np.array([np.finfo(np.float32).max]), "x": np.array([-LARGEST * 0.99])})
    with pytest.raises(InvalidUpdate):
        check_finite({"x": np.array([-LARGEST])})
