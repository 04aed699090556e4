import json
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from fedn.core import bfloat16
from fedn.core.layout import Layout, Weights
from fedn.errors import InvalidModel, InvalidUpdate

MODEL: Weights = {"w": np.zeros((2, 3), np.float32), "b": np.zeros(3), "n": np.array(0), "h": np.zeros(1, "V2")}


def test_a_layout_has_names_shapes_and_dtypes_in_order() -> None:
    layout = Layout.of(MODEL)
    assert layout.names == ("w", "b", "n", "h")
    assert layout.shapes == ((2, 3), (3,), (), (1,))
    assert layout.dtypes == (np.float32, np.float64, np.int64, bfloat16.DTYPE)
    assert layout.sizes == (6, 3, 1, 1)
    assert layout.size == 11


def test_a_layout_survives_json() -> None:
    stored = json.loads(json.dumps(Layout.of(MODEL).to_json()))
    assert [dtype for _, _, dtype in stored] == ["float32", "float64", "int64", "bfloat16"]
    assert Layout.from_json([(name, tuple(shape), dtype) for name, shape, dtype in stored]) == Layout.of(MODEL)
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
        ({"b": np.zeros(3, np.int32)}, "'b' holds int32, the model's holds float64"),
        ({"n": np.array(0.0)}, "'n' holds float64, the model's holds int64"),
        ({"n": np.array(0, np.int32)}, "'n' holds int32, the model's holds int64"),
        ({"n": np.array(False)}, "'n' holds bool, the model's holds int64"),
        ({"n": np.zeros((), "V2")}, "'n' holds bfloat16, the model's holds int64"),
        ({"h": np.zeros(1, np.uint16)}, "'h' holds uint16, the model's holds bfloat16"),
        ({"w": np.zeros((2, 3), np.longdouble)}, "'w' holds float128, the model's holds float32"),
        ({"x": np.zeros(1)}, "'x' is not in the model"),
    ],
)
def test_a_difference_is_named(change: Weights, message: str) -> None:
    with pytest.raises(InvalidUpdate, match=message):
        Layout.of(MODEL).check({**MODEL, **change})


def test_a_missing_array_is_named() -> None:
    with pytest.raises(InvalidUpdate, match="'w' is missing"):
        Layout.of(MODEL).check({"b": MODEL["b"], "n": MODEL["n"]})


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, "V2", ml_dtypes.bfloat16])
def test_floats_may_be_of_any_precision(dtype: Any) -> None:
    floats = {name: np.zeros(MODEL[name].shape, dtype) for name in ("w", "b", "h")}
    Layout.of(MODEL).check({**MODEL, **floats})
