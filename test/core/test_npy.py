import io
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fedn.core import bfloat16, npy
from fedn.errors import InvalidModel

DTYPES = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "V2"]


def saved(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def written(array: Any) -> bytes:
    return b"".join(npy.pieces(array))


def parse(data: bytes) -> npy.Array:
    return npy.parse(memoryview(data))


def arrays() -> st.SearchStrategy[npy.Array]:
    dtypes = st.sampled_from(DTYPES).flatmap(lambda name: st.sampled_from([np.dtype(f"<{name}"), np.dtype(f">{name}")]))
    shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)
    return dtypes.flatmap(lambda dtype: hnp.arrays(dtype, shapes) if dtype.kind != "V" else raw(shapes))


def raw(shapes: st.SearchStrategy[tuple[int, ...]]) -> st.SearchStrategy[npy.Array]:
    return hnp.arrays(np.uint16, shapes).map(lambda bits: bits.view("V2"))


@given(arrays(), st.sampled_from("CF"))
def test_reading_is_the_inverse_of_writing_here_and_in_numpy(array: npy.Array, order: Any) -> None:
    array = np.asarray(array, order=order)
    native = array.astype(array.dtype.newbyteorder("="))
    for read in (parse(saved(array)), parse(written(array)), np.load(io.BytesIO(written(array)), allow_pickle=False)):
        assert (read.dtype.newbyteorder("="), read.shape) == (native.dtype, native.shape)
        np.testing.assert_array_equal(read, native)


def test_native_data_is_viewed_and_read_only() -> None:
    data = saved(np.arange(12.0).reshape(3, 4))
    array = parse(data)
    assert np.shares_memory(array, np.frombuffer(data, np.uint8))
    assert not array.flags.writeable
    assert not parse(saved(np.arange(3, dtype=">f4"))).flags.writeable
    assert not npy.parse(memoryview(bytearray(data))).flags.writeable


@pytest.mark.parametrize("array", [np.ones((3, 4)), np.asfortranarray(np.ones((3, 4))), np.float32(1)[None]])
def test_contiguous_data_is_written_without_a_copy(array: npy.Array) -> None:
    header, data = npy.pieces(array)
    assert np.shares_memory(np.asarray(data), array)
    assert len(header) % 64 == 0


def test_bfloat16_is_read_as_numpy_saves_it_and_written_so() -> None:
    array = np.array([1, -2.5, np.inf], ml_dtypes.bfloat16)
    read = parse(saved(array))
    assert (read.dtype, read.tobytes()) == (bfloat16.DTYPE, array.tobytes())
    for held in (array, read, array[::-1][::-1]):
        loaded = np.load(io.BytesIO(written(held)))
        np.testing.assert_array_equal(loaded.view(ml_dtypes.bfloat16), array)


def test_any_other_order_is_written_too() -> None:
    array = np.arange(24.0).reshape(2, 3, 4)[:, ::-1, ::2]
    np.testing.assert_array_equal(parse(written(array)), array)


def test_headers_of_later_versions_are_read() -> None:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.arange(3), version=(2, 0))
    np.testing.assert_array_equal(parse(file.getvalue()), np.arange(3))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([{}], object), "object"),
        (np.array([1j]), "complex128"),
        (np.array(["text"]), "U4"),
        (np.array([b"text"]), "S4"),
        (np.array([(1, 2.0)], "i4,f4"), "f0"),
        (np.zeros(3, "V1"), "V1"),
        (np.zeros(3, ml_dtypes.float8_e5m2), "<f1"),
        (np.zeros(3, ml_dtypes.float8_e4m3fn), "V1"),
        (np.zeros(3, "V4"), "V4"),
        (np.zeros(3, "i1,i1"), "f0"),
        (np.zeros(3, np.longdouble), "float128"),
        (np.array(["2020-01-01"], "M8[D]"), "datetime64"),
    ],
)
def test_what_cannot_be_averaged_is_refused(array: npy.Array, message: str) -> None:
    with pytest.raises(InvalidModel, match=f"holds values of type .*{message}.*, which can't be averaged"):
        parse(saved(array))


@pytest.mark.parametrize(
    "descr",
    ["<m8[s/0]", "<M8[D/0]", "<f8,i4:", "<f8,(3", "<f8,", "<M8[zz]", "<f99", "<S99999999999999999", "f8", ""],
)
def test_no_type_is_one_that_numpy_trips_over(descr: str) -> None:
    """On the first two numpy would end this process."""
    header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': (1,)}}\n"
    with pytest.raises(InvalidModel, match="can't be averaged"):
        parse(headed(header, bytes(8)))


@pytest.mark.parametrize(
    "array",
    [np.array([{}], object), np.array([1j]), np.zeros(3, "V1"), np.zeros(3, "i1,i1"), np.zeros(2, np.longdouble)],
)
def test_what_cannot_be_averaged_is_not_written(array: npy.Array) -> None:
    with pytest.raises(InvalidModel):
        npy.pieces(array)


def headed(header: str, data: bytes = b"", version: bytes = b"\1\0") -> bytes:
    length = len(header).to_bytes(2, "little") if version == b"\1\0" else len(header).to_bytes(4, "little")
    return b"\x93NUMPY" + version + length + header.encode() + data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY\1\0",
        b"PICKLE" + saved(np.ones(3))[6:],
        saved(np.ones(3))[:-1],
        saved(np.ones(3)) + b"\0",
        saved(np.ones(3))[:40],
        headed("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", bytes(12), b"\4\0"),
        headed("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}" + " " * 20_000, bytes(12), b"\2\0"),
        headed("{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}"),
        headed("{'descr': '<f4', 'fortran_order': False, 'shape': (True,)}", bytes(4)),
        headed("{'descr': '<f4', 'fortran_order': False, 'shape': 3}", bytes(12)),
        headed("{'descr': '<f4', 'fortran_order': 0, 'shape': (3,)}", bytes(12)),
        headed("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4611686018427387904, 4611686018427387904)}"),
        headed(f"{{'descr': '<f4', 'fortran_order': False, 'shape': (0, {1 << 99})}}"),
        headed(f"{{'descr': '<f4', 'fortran_order': False, 'shape': {(1,) * 99}}}", bytes(4)),
        headed("{'descr': '<f3', 'fortran_order': False, 'shape': (1,)}", bytes(3)),
        headed("{'descr': '<f4', 'shape': (3,)}", bytes(12)),
        headed("[1, 2]", bytes(12)),
        headed("print(1)", bytes(12)),
        headed("{", bytes(12)),
        headed("(" * 5000, bytes(12)),
        headed("{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}", b"\1\2"),
    ],
)
def test_damage_is_found(data: bytes) -> None:
    with pytest.raises(InvalidModel):
        parse(data)
