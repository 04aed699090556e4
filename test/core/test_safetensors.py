"""The safetensors format, against the library of that name and against damage."""

import io
import json
import random
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy as library
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors import SafetensorError, deserialize

from fedn.core import bfloat16, safetensors
from fedn.core.dtypes import Array
from fedn.core.layout import Weights
from fedn.errors import InvalidModel

TYPES = ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?"]
CODES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1}
CODES |= {"U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1}
MODEL: Weights = {
    "flag": np.array([True, False, True]),
    "kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
    "steps": np.array(7),
    "none": np.zeros((0, 2), np.float32),
    "half": np.array([1, 2], np.float16),
    "brain": bfloat16.narrow(np.array([[1.5], [-2.0]])),
}
METADATA = {"format": "pt", "note": "größer"}


def written(weights: Weights, metadata: dict[str, str] | None = None) -> bytes:
    return b"".join(safetensors.chunks(weights, metadata or {}))


def parse(data: bytes) -> tuple[dict[str, Array], dict[str, str]]:
    return safetensors.parse(memoryview(data))


def file(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(dtype: str = "F32", shape: Any = (2,), begin: Any = 0, end: Any = 8) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def same(found: Weights, expected: Weights) -> None:
    assert list(found) == list(expected)
    for name, array in found.items():
        native = expected[name].dtype.newbyteorder("=")
        assert (array.dtype, array.shape, array.tobytes()) == (
            native,
            expected[name].shape,
            expected[name].astype(native).tobytes(),
        )


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).filter(lambda name: name != "__metadata__")
dtypes = st.sampled_from([np.dtype(f"{order}{name}") for name in TYPES for order in "<>"])
arrays = dtypes.flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0)))
models = st.dictionaries(names, arrays, max_size=5)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)


@given(models, st.dictionaries(texts, texts, max_size=3), st.sampled_from("CF"))
def test_what_is_written_is_read_here_and_by_the_library(model: Weights, metadata: Any, order: Any) -> None:
    model = {name: np.asarray(array, order=order) for name, array in model.items()}
    data = written(model, metadata)
    found, kept = parse(data)
    same(found, model)
    assert kept == metadata
    loaded = library.load(data)
    same({name: loaded[name] for name in model}, model)


@given(models)
def test_what_the_library_writes_is_read(model: Weights) -> None:
    native = {name: array.astype(array.dtype.newbyteorder("=")) for name, array in model.items()}
    found, _ = parse(library.save(native, {"format": "np"}))
    same({name: found[name] for name in native}, native)


def test_a_model_of_all_kinds_is_kept_in_order_with_its_metadata() -> None:
    data = written(MODEL, METADATA)
    found, metadata = parse(data)
    same(found, MODEL)
    assert metadata == METADATA
    assert {name: (info["dtype"], info["shape"]) for name, info in deserialize(data)} == {
        "flag": ("BOOL", [3]),
        "kernel": ("F32", [2, 3]),
        "steps": ("I64", []),
        "none": ("F32", [0, 2]),
        "half": ("F16", [2]),
        "brain": ("BF16", [2, 1]),
    }


def test_arrays_of_ml_dtypes_are_written_as_bfloat16() -> None:
    array = np.array([1.5, -2.0], ml_dtypes.bfloat16)
    found, _ = parse(written({"w": array}))
    assert (found["w"].dtype, found["w"].tobytes()) == (bfloat16.DTYPE, array.tobytes())


def test_bfloat16_of_the_library_is_read() -> None:
    array = np.array([1.5, -2.0], ml_dtypes.bfloat16)
    found, _ = parse(library.save({"w": array}))
    assert (found["w"].dtype, found["w"].tobytes()) == (bfloat16.DTYPE, array.tobytes())


def test_without_metadata_none_is_written() -> None:
    assert b"__metadata__" not in written(MODEL)
    assert parse(written(MODEL))[1] == {}


def test_arrays_are_views_that_are_aligned_and_read_only() -> None:
    data = np.frombuffer(written(MODEL, METADATA), np.uint8)
    found, _ = safetensors.parse(memoryview(data))
    for array in found.values():
        assert not array.flags.writeable
        if array.size:
            assert np.shares_memory(array, data)
            assert (array.ctypes.data - data.ctypes.data) % array.itemsize == 0
    assert int.from_bytes(data[:8].tobytes(), "little") % 8 == 0


def test_arrays_that_are_not_aligned_are_read_too() -> None:
    header = {"a": entry("U8", [1], 0, 1), "b": entry("F32", [2], 1, 9)}
    found, _ = parse(file(header, b"\7" + np.array([1.5, 2.5], "<f4").tobytes()))
    np.testing.assert_array_equal(found["b"], [1.5, 2.5])


def test_contiguous_arrays_are_written_without_a_copy() -> None:
    array = np.ones((3, 4))
    assert any(
        np.shares_memory(np.frombuffer(chunk, np.uint8), array) for chunk in safetensors.chunks({"w": array}, {})
    )


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_type_is_read(code: str) -> None:
    size = CODES[code]
    found, _ = parse(file({"w": entry(code, [3], 0, 3 * size)}, bytes([1] + [0] * (3 * size - 1))))
    assert (found["w"].shape, found["w"].itemsize) == ((3,), size)


@pytest.mark.parametrize("code", ["F8_E4M3", "F8_E5M2", "F8_E8M0", "F4", "C64", "f32", "", "I128"])
def test_other_types_are_refused_by_name(code: str) -> None:
    with pytest.raises(InvalidModel, match=f"array 'w' holds values of type {code}, which can't be averaged"):
        parse(file({"w": entry(code, [2], 0, 2)}, bytes(2)))


DAMAGE = {
    "longer than its file": (1000).to_bytes(8, "little") + b"{}",
    "a long header": (safetensors.LONGEST_HEADER + 1).to_bytes(8, "little") + b"{" * 100,
    "no JSON": file(b"{]"),
    "no object": file(b"[]"),
    "no UTF-8": file(b'{"\xff": 1}'),
    "half a surrogate pair": file(b'{"\\ud800": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}'),
    "half a surrogate pair in metadata": file(b'{"__metadata__": {"a": "\\ud800"}}'),
    "deep": file(b'{"a":' * 100_000),
    "a long number": file(b'{"a": ' + b"9" * 5000 + b"}"),
    "a name twice": file(
        b'{"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}, '
        b'"a": {"dtype": "U8", "shape": [1], "data_offsets": [1, 2]}}',
        bytes(2),
    ),
    "a key twice": file(b'{"a": {"dtype": "U8", "dtype": "I8", "shape": [1], "data_offsets": [0, 1]}}', bytes(1)),
    "metadata that is no object": file({"__metadata__": [], "a": entry()}, bytes(8)),
    "metadata that is no text": file({"__metadata__": {"a": 1}, "a": entry()}, bytes(8)),
    "an entry that is no object": file({"a": 1}),
    "an entry without a type": file({"a": {"shape": [2], "data_offsets": [0, 8]}}, bytes(8)),
    "an entry with a type that is no text": file({"a": entry(7)}, bytes(8)),  # type: ignore[arg-type]
    "an entry with more": file({"a": {**entry(), "strides": [1]}}, bytes(8)),
    "three offsets": file({"a": {**entry(), "data_offsets": [0, 8, 8]}}, bytes(8)),
    "an offset that is no whole number": file({"a": entry(end=8.0)}, bytes(8)),
    "an offset that is a truth value": file({"a": entry("U8", [1], False, 1)}, bytes(1)),
    "an offset below zero": file({"a": entry(begin=-8, end=0)}, bytes(8)),
    "an end before its beginning": file({"a": entry("U8", [0], 1, 0), "b": entry("U8", [1], 0, 1)}, bytes(1)),
    "a shape below zero": file({"a": entry(shape=[-2])}, bytes(8)),
    "a shape that is no list": file({"a": entry(shape=2)}, bytes(8)),
    "a shape that is too large": file({"a": entry(shape=[1 << 70, 0], end=0)}),
    "another size than its shape": file({"a": entry(shape=[3])}, bytes(8)),
    "behind the end": file({"a": entry()}, bytes(7)),
    "a gap": file({"a": entry("U8", [1], 0, 1), "b": entry("U8", [1], 2, 3)}, bytes(3)),
    "a gap at the beginning": file({"a": entry("U8", [1], 1, 2)}, bytes(2)),
    "an overlap": file({"a": entry("U8", [2], 0, 2), "b": entry("U8", [2], 1, 3)}, bytes(3)),
    "the same twice": file({"a": entry(), "b": entry()}, bytes(8)),
    "bytes behind": file({"a": entry()}, bytes(9)),
    "bytes and no array": file({}, bytes(1)),
    "a truth value of two": file({"a": entry("BOOL", [1], 0, 1)}, b"\2"),
}


@pytest.mark.parametrize("data", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_found(data: bytes) -> None:
    with pytest.raises(InvalidModel):
        parse(data)


LENIENT = {"a key twice", "an entry with more", "a truth value of two", "a long header"}


@pytest.mark.parametrize("name", sorted(DAMAGE.keys() - LENIENT - {"a name twice"}))
def test_the_library_finds_that_damage_too(name: str) -> None:
    with pytest.raises(SafetensorError):
        deserialize(DAMAGE[name])


def test_a_cut_anywhere_is_found() -> None:
    data = written(MODEL, METADATA)
    for end in range(9, len(data)):
        with pytest.raises(InvalidModel):
            parse(data[:end])


def test_random_damage_never_raises_anything_else() -> None:
    generator = random.Random(1)
    original = written(MODEL, METADATA)
    for _ in range(5000):
        data = bytearray(original)
        for _ in range(generator.choice((1, 2, 8))):
            data[generator.randrange(len(data))] = generator.choice((0, 34, 123, 255, generator.randrange(256)))
        try:
            parse(bytes(data))
        except InvalidModel:
            continue


def test_only_this_format_begins_like_it() -> None:
    assert safetensors.begins(written(MODEL))
    npz = io.BytesIO()
    np.savez(npz, **MODEL)
    for data in (b"", npz.getvalue(), b"1 2 3 4 {\n", b"\1\0\0\0\1\0\0\0{}", b"\2\0\0\0\0\0\0\0[]"):
        assert not safetensors.begins(data)


def test_what_the_format_cannot_hold_is_not_written() -> None:
    with pytest.raises(InvalidModel, match="array '__metadata__' has a name that safetensors keeps for itself"):
        written({"__metadata__": np.ones(1)})
    with pytest.raises(InvalidModel, match="array 'w' holds values of type complex64"):
        written({"w": np.ones(1, np.complex64)})
    with pytest.raises(InvalidModel, match="over the limit"):
        written({"w": np.ones(1)}, {"a": "x" * safetensors.LONGEST_HEADER})
