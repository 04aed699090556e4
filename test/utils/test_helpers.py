"""What holds for every helper, and how they are found by name."""

import io
import json
from collections import OrderedDict
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from fedn.core import weights
from fedn.errors import InvalidInput, InvalidModel
from fedn.utils.helpers import ArraysHelper, HelperBase, get_helper, helper_names, save_metadata
from fedn.utils.kerashelper import KerasHelper
from fedn.utils.numpyarrayhelper import NumpyArrayHelper
from fedn.utils.pytorchhelper import PytorchHelper

ARRAYS = {"fc.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "fc.bias": np.ones(3), "steps": np.array(7)}
MODELS: dict[str, Any] = {
    "keras": list(ARRAYS.values()),
    "numpy": {"layers": [dict(ARRAYS), (np.zeros(1), np.ones(1))], "rate": np.float64(0.1)},
    "numpyarray": np.arange(6.0).reshape(2, 3),
    "pytorch": OrderedDict(ARRAYS),
    "safetensors": dict(ARRAYS),
    "sklearn": dict(ARRAYS),
}


def wrapped(name: str, array: Any) -> Any:
    """A model of one array."""
    return {"keras": [array], "numpyarray": array}.get(name, {"w": array})


def unwrapped(name: str, model: Any) -> Any:
    return model if name == "numpyarray" else model[0 if name == "keras" else "w"]


def same(a: Any, b: Any) -> None:
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert list(a) == list(b)
        a, b = list(a.values()), list(b.values())
    if isinstance(a, (list, tuple)):
        for one, other in zip(a, b, strict=True):
            same(one, other)
    else:
        np.testing.assert_array_equal(a, b, strict=True)


@pytest.fixture(params=MODELS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def helper(name: str) -> ArraysHelper[Any]:
    helper = get_helper(name)
    assert isinstance(helper, ArraysHelper)
    return helper


@pytest.fixture
def model(name: str, helper: HelperBase[Any]) -> Any:
    # numbers of no dimensions come back from a tree as such
    return helper.load_model_from_BytesIO(helper.serialize_model_to_BytesIO(MODELS[name]))


def test_every_helper_is_tested() -> None:
    assert helper_names() == sorted(MODELS)


def test_a_model_is_saved_and_loaded(helper: HelperBase[Any], name: str, tmp_path: Path) -> None:
    path = str(tmp_path / "model")
    assert helper.save_model(MODELS[name], path) == path
    assert [file.name for file in tmp_path.iterdir()] == ["model"]
    if name == "numpy":
        MODELS[name]["layers"][0]["steps"] = np.int64(7)
    same(helper.load_model(path), MODELS[name])
    same(helper.load_model(Path(path)), MODELS[name])


def test_without_a_path_a_temporary_file_is_made(helper: HelperBase[Any], model: Any) -> None:
    path = helper.save_model(model)
    same(helper.load_model(path), model)
    Path(path).unlink()


def test_a_temporary_path_is_new(helper: HelperBase[Any]) -> None:
    paths = {helper.get_tmp_path(), helper.get_tmp_path()}
    assert len(paths) == 2
    for path in paths:
        assert Path(path).stat().st_size == 0
        Path(path).unlink()


def test_a_model_is_serialised_in_memory(helper: ArraysHelper[Any], model: Any, tmp_path: Path) -> None:
    file = helper.serialize_model_to_BytesIO(model)
    assert isinstance(file, io.BytesIO)
    assert file.getvalue() == Path(helper.save_model(model, tmp_path / "model")).read_bytes()
    assert weights.format_of(file.getvalue()) is helper.FORMAT
    data = file.read()
    for form in (data, bytearray(data), memoryview(data), file):
        same(helper.load_model_from_BytesIO(form), model)  # type: ignore[arg-type]


def test_a_loaded_model_may_be_written_to(name: str, tmp_path: Path) -> None:
    helper = get_helper(name)
    path = helper.save_model(wrapped(name, np.array([1.0, 2.0])), tmp_path / "model")
    array = unwrapped(name, helper.load_model(path))
    array[...] = 7
    assert unwrapped(name, helper.load_model(path)).tolist() == [1, 2]
    helper.save_model(wrapped(name, array), path)  # over the file that it came from
    assert unwrapped(name, helper.load_model(path)).tolist() == [7, 7]


@pytest.mark.parametrize("form", [weights.Format.NPZ, weights.Format.SAFETENSORS])
def test_bfloat16_is_handed_out_as_float32(form: weights.Format, name: str) -> None:
    values = np.array([[1.5, -2.0], [3.0, 0.1]]).astype(ml_dtypes.bfloat16)
    file = io.BytesIO()
    weights.write({"0" if name == "keras" else "w": values}, file, format=form)
    array = unwrapped(name, get_helper(name).load_model_from_BytesIO(file))
    np.testing.assert_array_equal(array, values.astype(np.float32), strict=True)
    array[...] = 0


def test_bfloat16_is_written_as_text() -> None:
    values = np.array([1.5, 0.1]).astype(ml_dtypes.bfloat16)
    loaded = np.loadtxt(NumpyArrayHelper().serialize_model_to_BytesIO(values))
    np.testing.assert_array_equal(loaded, values.astype(np.float64), strict=True)


@pytest.mark.parametrize("name", sorted(MODELS.keys() - {"numpyarray"}))
def test_a_seed_of_bfloat16_stays_one(name: str) -> None:
    values = np.array([1.5, -2.0, 0.1]).astype(ml_dtypes.bfloat16)
    data = get_helper(name).serialize_model_to_BytesIO(wrapped(name, values)).getvalue()
    [array] = weights.read(data).values()
    assert array.dtype == "V2"
    np.testing.assert_array_equal(array.view(ml_dtypes.bfloat16), values)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (np.array([1, None]), "holds values of type object, which can't be averaged .save "),
        (None, "holds values of type object"),
        ("words", "holds values of type <U5"),
        (np.zeros(2, complex), "holds values of type complex128"),
        (np.zeros(2, np.longdouble), "holds values of type"),
        (np.array(["2026"], "M8[Y]"), "holds values of type datetime64"),
        (np.ma.masked_array([1.0], [True]).astype(object), "holds values of type object"),
    ],
    ids=str,
)
def test_what_is_no_array_of_numbers_is_refused(value: Any, reason: str, name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match=f"^array '(0|w)' {reason}"):
        get_helper(name).save_model(wrapped(name, value), tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_a_ragged_array_is_refused() -> None:
    with pytest.raises(InvalidModel, match=r"array '0' can't be taken as one: .*inhomogeneous.*make it a numpy array"):
        KerasHelper().save_model([[[1.0], [2.0, 3.0]]])  # type: ignore[list-item]


def test_pickles_are_refused(name: str, tmp_path: Path) -> None:
    helper = get_helper(name)
    np.savez(tmp_path / "objects.npz", **{"0": np.array([{}, None], object)})
    with pytest.raises(InvalidModel, match=r"objects.npz: array '0' holds values of type .*can't be averaged \(save "):
        helper.load_model(tmp_path / "objects.npz")
    np.array([{}, None], object).dump(tmp_path / "pickle")
    with pytest.raises(InvalidModel, match=r"pickle: neither .npz, .*save it with numpy.savez"):
        helper.load_model(tmp_path / "pickle")


@pytest.mark.parametrize("name", sorted(MODELS.keys() - {"numpyarray", "numpy"}))
def test_a_model_without_arrays_is_refused(name: str) -> None:
    with pytest.raises(InvalidModel, match=r"the model has no arrays \(build it before"):
        get_helper(name).save_model([] if name == "keras" else {})


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("pytorch", r"such as model.state_dict\(\)"),
        ("safetensors", "make it a dict"),
        ("sklearn", r"such as helper.parameters\(estimator\)"),
    ],
)
def test_arrays_by_name_are_expected(name: str, hint: str) -> None:
    with pytest.raises(InvalidInput, match=rf"arrays by name are expected, and this is a list \({hint}\)"):
        get_helper(name).save_model([np.ones(1)])
    with pytest.raises(InvalidInput, match="the name of an array is a string, and this is a int: 3"):
        get_helper(name).save_model({3: np.ones(1)})


@pytest.mark.parametrize("model", [{"a": np.ones(2)}, {0: np.ones(2)}, np.ones((2, 3)), 1.0], ids=repr)
def test_a_list_of_arrays_is_expected_of_keras(model: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=f"a list of arrays is expected, and this is a {type(model).__name__}"):
        get_helper("keras").save_model(model, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_list_has_arrays_of_its_names() -> None:
    data = PytorchHelper().serialize_model_to_BytesIO({"0": np.ones(1), "arr_1": np.ones(1)})
    with pytest.raises(InvalidModel, match=r"named 0 to 1, and '1' is not among these: 0, arr_1 \(get_helper"):
        KerasHelper().load_model_from_BytesIO(data)


def test_several_arrays_are_no_numpyarray_model() -> None:
    data = KerasHelper().serialize_model_to_BytesIO(MODELS["keras"]).read()
    with pytest.raises(InvalidModel, match="one array is expected, and there are 3"):
        NumpyArrayHelper().load_model_from_BytesIO(data)


@pytest.mark.parametrize("shape", [(2, 2, 2), (0,), (3, 0)])
def test_text_holds_rows_and_columns(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidModel, match="one or two dimensions"):
        NumpyArrayHelper().serialize_model_to_BytesIO(np.zeros(shape))


def test_an_unknown_helper_lists_the_known() -> None:
    known = "keras, numpy, numpyarray, pytorch, safetensors, sklearn"
    with pytest.raises(InvalidInput, match=rf"no helper 'jax' \(known: {known}\)"):
        get_helper("jax")


def test_metadata_is_written_beside_the_update(tmp_path: Path) -> None:
    out = tmp_path / "update.npz"
    metadata = {"num_examples": np.int64(3), "metrics": {"loss": np.float32(0.5), "per_class": np.array([1, 2])}}
    path = save_metadata(metadata, out)
    assert path == f"{out}-metadata"
    expected = {"num_examples": 3, "metrics": {"loss": 0.5, "per_class": [1, 2]}}
    assert json.loads(Path(path).read_text()) == expected


def test_metadata_that_is_no_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="can't hold a set"):
        save_metadata({"num_examples": {3}}, tmp_path / "update")
