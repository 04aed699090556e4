from typing import Any

import ml_dtypes
import numpy as np
import pytest

from fedn.core import bfloat16, dtypes
from fedn.errors import InvalidModel

BF16 = np.dtype(ml_dtypes.bfloat16)
FLOATS = [np.dtype(name) for name in ("f2", "f4", "f8", ">f4", "V2")] + [BF16]
OTHERS = [np.dtype(name) for name in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", ">i8")]


@pytest.mark.parametrize("dtype", FLOATS + OTHERS, ids=str)
def test_types_of_numbers_are_named_and_known(dtype: Any) -> None:
    native = dtypes.checked(dtype)
    assert native == (bfloat16.DTYPE if dtype == BF16 else dtype.newbyteorder("="))
    assert dtypes.named(dtypes.name_of(dtype)) == native
    assert dtypes.is_float(dtype) == (dtype in FLOATS)


@pytest.mark.parametrize(
    "dtype", ["c8", "O", "U3", "S2", "M8[s]", "V1", "V3", "i1,i1", np.longdouble, ml_dtypes.float8_e5m2]
)
def test_other_types_are_refused(dtype: Any) -> None:
    assert not dtypes.is_float(np.dtype(dtype))
    with pytest.raises(InvalidModel, match=r"^holds values of type .*, which can't be averaged \(save integers"):
        dtypes.checked(np.dtype(dtype))


def test_bounds_and_precision_are_those_of_the_types() -> None:
    f2, f4, f8, bf = (np.dtype(name) for name in ("f2", "f4", "f8", "V2"))
    assert [dtypes.largest(one) for one in (f2, f4, f8, bf)] == [
        65504,
        float(np.finfo(f4).max),
        float(np.finfo(f8).max),
        bfloat16.LARGEST,
    ]
    assert [dtypes.bound(one) for one in (f2, f4, bf)] == [dtypes.largest(one) for one in (f2, f4, bf)]
    assert dtypes.bound(f8) == np.nextafter(dtypes.BOUND, 0)
    assert [dtypes.significant_bits(one) for one in (f2, f4, f8, bf)] == [11, 24, 53, 8]
    assert [dtypes.significant_bits(np.dtype(one)) for one in ("?", "i4", "u8")] == [8, 32, 53]


@pytest.mark.parametrize("to", ["f2", "f4", "f8", "V2"])
@pytest.mark.parametrize("source", ["f2", "f4", "f8", "V2", BF16])
def test_floats_are_cast_to_any_precision(source: Any, to: str) -> None:
    array = (
        dtypes.cast(np.array([[1.5, -0.25]]), np.dtype(source)) if source != BF16 else np.array([[1.5, -0.25]], BF16)
    )
    result = dtypes.cast(array, np.dtype(to))
    assert dtypes.checked(result.dtype) == np.dtype(to)
    np.testing.assert_array_equal(dtypes.floats(result), [[1.5, -0.25]])
    assert (result is array) == (dtypes.checked(array.dtype) == np.dtype(to))


@pytest.mark.parametrize("to", ["f2", "f4", "V2"])
def test_what_is_too_large_for_a_type_becomes_infinite(to: str) -> None:
    assert np.isinf(dtypes.floats(dtypes.cast(np.array([1e300, -1e300]), np.dtype(to)))).all()
