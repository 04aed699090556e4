import io
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors import safe_open

from fedn.core import bfloat16, weights
from fedn.core.dtypes import Array
from fedn.core.weights import TEXT_NAME, Format, Style, Weights
from fedn.errors import InvalidModel, TooLarge

MODEL: Weights = {
    "layer.weight": np.arange(12, dtype=np.float32).reshape(3, 4),
    "layer.bias": np.ones(4, np.float16),
    "steps": np.array(7),
    "nothing": np.zeros((0, 3), np.float32),
    "brain": bfloat16.narrow(np.arange(4.0)),
}
BINARY = [Format.NPZ, Format.SAFETENSORS]


def same(a: Weights, b: Weights) -> None:
    assert list(a) == list(b)
    for name, array in a.items():
        assert (array.dtype, array.shape, array.tobytes()) == (b[name].dtype, b[name].shape, b[name].tobytes())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model"


def test_a_model_is_written_and_read_as_bytes_and_as_a_file(path: Path) -> None:
    same(weights.read(weights.to_bytes(MODEL)), MODEL)
    same(weights.read(memoryview(weights.to_bytes(MODEL))), MODEL)
    weights.write(MODEL, path)
    assert path.read_bytes() == weights.to_bytes(MODEL)
    same(weights.read(path), MODEL)
    with np.load(path, allow_pickle=False) as loaded:
        same(dict(loaded), MODEL)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_files_of_numpy_are_read(path: Path, save) -> None:  # type: ignore[no-untyped-def]
    with path.open("wb") as file:
        save(file, **MODEL)
    same(weights.read(path), MODEL)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20), unique=True, min_size=1))
def test_any_name_is_kept_and_so_is_the_order(names: list[str]) -> None:
    model = {name: np.array(index) for index, name in enumerate(names)}
    same(weights.read(weights.to_bytes(model)), model)


def test_equal_weights_make_equal_files() -> None:
    assert weights.to_bytes(MODEL) == weights.to_bytes({name: array.copy() for name, array in MODEL.items()})


@pytest.mark.parametrize("form", BINARY)
def test_a_mapped_file_outlives_its_name(path: Path, form: Format) -> None:
    weights.write(MODEL, path, format=form)
    model = weights.read(path)
    path.unlink()
    same(model, MODEL)
    assert not any(array.flags.owndata or array.flags.writeable for array in model.values() if array.size)
    assert all(array.flags.aligned for array in model.values())
    assert form is Format.SAFETENSORS or all(array.ctypes.data % 64 == 0 for array in model.values() if array.size)


@pytest.mark.parametrize("form", BINARY)
def test_a_model_without_any_number_is_written_and_read(path: Path, form: Format) -> None:
    empty: Weights = {"a": np.zeros((0, 3), np.float32), "b": np.zeros(0, np.int8)}
    weights.write(empty, path, format=form)
    same(weights.read(path), empty)


def test_safetensors_are_written_and_read_as_bytes_and_as_a_file(path: Path) -> None:
    weights.write(MODEL, path, format=Format.SAFETENSORS)
    same(weights.read(path), MODEL)
    same(weights.read(path.read_bytes()), MODEL)
    with safe_open(path, "numpy") as file:
        assert set(file.keys()) == set(MODEL)
        np.testing.assert_array_equal(file.get_tensor("layer.weight"), MODEL["layer.weight"], strict=True)


def test_a_file_is_written_in_the_style_of_another(path: Path) -> None:
    style = Style(Format.SAFETENSORS, {"format": "pt"})
    weights.write(MODEL, path, format=style)
    assert weights.style_of(path) == weights.style_of(path.read_bytes()) == style
    for form in BINARY:
        file = io.BytesIO()
        weights.write(MODEL, file, format=form)
        assert weights.style_of(file.getvalue()) == Style(form)
    assert weights.style_of(b"1 2 3\n") == Style(Format.TEXT)


def test_writing_needs_no_seekable_target() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb") as target:
        weights.write(MODEL, target)
        target.close()
        same(weights.read(source.read()), MODEL)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(3.5),
        np.arange(6.0).reshape(2, 3),
        np.array(2.5),
        np.array([[1 / 3], [1e-300]]),
        np.array([[1.0, 2.0]]),
        np.array([3], np.int8),
        np.array([True, False]),
    ],
)
def test_one_array_is_written_as_text(path: Path, array: Array) -> None:
    weights.write({"any": array}, path, format=Format.TEXT)
    assert weights.format_of(path) is Format.TEXT
    for source in (path, path.read_bytes()):
        read = weights.read(source)
        assert list(read) == [TEXT_NAME]
        np.testing.assert_array_equal(read[TEXT_NAME], np.loadtxt(path))
        assert not read[TEXT_NAME].flags.writeable
    np.testing.assert_array_equal(np.loadtxt(path), np.squeeze(array))


def test_bfloat16_is_written_as_text_too() -> None:
    file = io.BytesIO()
    weights.write({"any": bfloat16.narrow(np.array([1.5, -2.0]))}, file, format=Format.TEXT)
    np.testing.assert_array_equal(weights.read(file.getvalue())[TEXT_NAME], [1.5, -2.0])


@given(hnp.arrays(np.float64, hnp.array_shapes(min_dims=0, max_dims=2), elements=st.floats(allow_subnormal=True)))
def test_text_keeps_every_float_and_comes_back_without_dimensions_of_one(array: Array) -> None:
    file = io.BytesIO()
    weights.write({"any": array}, file, format=Format.TEXT)
    np.testing.assert_array_equal(weights.read(file.getvalue())[TEXT_NAME], np.squeeze(array), strict=True)


@pytest.mark.parametrize(
    "model", [{}, MODEL, {"a": np.zeros((2, 2, 2))}, {"a": np.array(["text"])}, {"a": np.zeros((3, 0))}]
)
def test_what_does_not_fit_into_text_is_refused(model: Weights) -> None:
    with pytest.raises(InvalidModel):
        weights.write(model, io.BytesIO(), format=Format.TEXT)


@pytest.mark.parametrize("text", [b" \n", b"# a comment\n", b"1 2\n3\n", b"one\n", b"1" * 600 + b"\xff", b"{}"])
def test_text_without_an_array_of_numbers_is_refused(path: Path, text: bytes) -> None:
    path.write_bytes(text)
    with pytest.raises(InvalidModel):
        weights.read(text)
    with pytest.raises(InvalidModel, match=r"^model: the text"):
        weights.read(path)


@pytest.mark.parametrize("data", [b"", b"\x80\x04\x95", b"\x89HDF\r\n", b"1 2\0", b"\2\0\0\0\0\0\0\0[]"])
def test_other_formats_are_refused_with_the_name_of_the_file(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    for read in (weights.read, weights.format_of):
        with pytest.raises(InvalidModel):
            read(data)
    with pytest.raises(InvalidModel, match=r"^model: neither"):
        weights.read(path)


def test_the_format_of_an_archive_is_told() -> None:
    assert weights.format_of(weights.to_bytes(MODEL)) is Format.NPZ


@pytest.mark.parametrize("form", BINARY)
def test_a_file_without_arrays_is_refused(path: Path, form: Format) -> None:
    weights.write({}, path, format=form)
    with pytest.raises(InvalidModel, match=r"^model: the file holds no array"):
        weights.read(path)


@pytest.mark.parametrize("form", BINARY)
def test_a_file_that_is_cut_short_is_refused_by_name(path: Path, form: Format) -> None:
    weights.write(MODEL, path, format=form)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InvalidModel, match=r"^model: "):
        weights.read(path)


def test_a_member_that_is_no_array_is_refused() -> None:
    with pytest.raises(InvalidModel, match=r"member 'layer\.bias\.txt' is no array"):
        weights.read(weights.to_bytes(MODEL).replace(b"layer.bias.npy", b"layer.bias.txt"))


def test_an_array_that_cannot_be_averaged_is_named(path: Path) -> None:
    np.savez(path, fine=np.ones(2), bad=np.array(["text"]))
    with pytest.raises(InvalidModel, match=r"^model\.npz: array 'bad' holds values of type <U4"):
        weights.read(path.with_suffix(".npz"))
    with pytest.raises(InvalidModel, match="array 'bad' holds"):
        weights.to_bytes({"bad": np.array(["text"])})


def test_a_pickle_is_never_loaded(path: Path) -> None:
    np.savez(path, bad=np.array([print], object))
    with pytest.raises(InvalidModel, match="array 'bad'"):
        weights.read(path.with_suffix(".npz"))


def test_compressed_files_inflate_up_to_the_limit(path: Path) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, bomb=np.zeros(1_000_000))
    assert path.stat().st_size < 20_000
    with pytest.raises(TooLarge, match=r"^model: member 'bomb\.npy' would inflate to 8000128 bytes"):
        weights.read(path, limit=8_000_127)
    assert weights.read(path, limit=8_000_128)["bomb"].size == 1_000_000


def test_files_are_named_after_their_format() -> None:
    assert [form.suffix for form in Format] == [".npz", ".txt", ".safetensors"]
