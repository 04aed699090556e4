import io
import json
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedn.errors import InvalidInput, InvalidModel
from fedn.utils.helpers import HelperBase, get_helper, save_metadata
from fedn.utils.kerashelper import KerasHelper
from fedn.utils.numpyarrayhelper import NumpyArrayHelper
from fedn.utils.pytorchhelper import PytorchHelper

MODELS: dict[str, Any] = {
    "keras": [np.arange(6, dtype=np.float32).reshape(2, 3), np.ones(3)],
    "pytorch": OrderedDict([("fc.weight", np.arange(6, dtype=np.float32).reshape(2, 3)), ("fc.bias", np.ones(3))]),
    "numpyarray": np.arange(6.0).reshape(2, 3),
}


def arrays(model: Any) -> list[Any]:
    if isinstance(model, OrderedDict):
        return list(model.values())
    return model if isinstance(model, list) else [model]


def same(a: Any, b: Any) -> None:
    assert type(a) is type(b)
    if isinstance(a, OrderedDict):
        assert list(a) == list(b)
    for one, other in zip(arrays(a), arrays(b), strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


@pytest.fixture(params=MODELS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def helper(name: str) -> HelperBase[Any]:
    return get_helper(name)


@pytest.fixture
def model(name: str) -> Any:
    return MODELS[name]


def test_a_model_is_saved_and_loaded(helper: HelperBase[Any], model: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "model")
    assert helper.save_model(model, path) == path
    same(helper.load_model(path), model)
    same(helper.load_model_from_BytesIO(Path(path).read_bytes()), model)


def test_without_a_path_a_temporary_file_is_made(helper: HelperBase[Any], model: Any) -> None:
    path = helper.save_model(model)
    same(helper.load_model(path), model)
    Path(path).unlink()


def test_a_temporary_path_is_new(helper: HelperBase[Any]) -> None:
    paths = {helper.get_tmp_path(), helper.get_tmp_path()}
    assert len(paths) == 2
    for path in paths:
        Path(path).unlink()


def test_a_model_is_serialised_in_memory(helper: HelperBase[Any], model: Any) -> None:
    file = helper.serialize_model_to_BytesIO(model)
    assert isinstance(file, io.BytesIO)
    same(helper.load_model_from_BytesIO(file.read()), model)


def test_a_loaded_model_may_be_written_to(helper: HelperBase[Any], model: Any, tmp_path: Path) -> None:
    path = helper.save_model(model, tmp_path / "model")
    for array in arrays(helper.load_model(path)):
        array[...] = 7
    same(helper.load_model(path), model)


def test_averages_grow_one_by_one(helper: HelperBase[Any], model: Any) -> None:
    mean = model
    for n in (2, 3):
        mean = helper.increment_average(mean, model, n)
    same(mean, model)


def test_an_average_weighs_all_alike() -> None:
    one, two = [np.array([0.0])], [np.array([3.0])]
    assert KerasHelper().increment_average(one, two, 3)[0] == [1.0]
    assert PytorchHelper().increment_average({"w": one[0]}, {"w": two[0]}, 3) == {"w": [1.0]}
    assert NumpyArrayHelper().increment_average(one[0], two[0], 3) == [1.0]


def test_the_files_of_2021_are_read(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    np.savez_compressed(path, **{str(i): array for i, array in enumerate(MODELS["keras"])})
    same(KerasHelper().load_model(str(path)), MODELS["keras"])
    np.savez_compressed(path, **MODELS["pytorch"])
    same(PytorchHelper().load_model(str(path)), MODELS["pytorch"])
    np.savetxt(path, MODELS["numpyarray"])
    same(NumpyArrayHelper().load_model(str(path)), MODELS["numpyarray"])


def test_the_files_are_what_numpy_reads(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    with np.load(KerasHelper().save_model(MODELS["keras"], path)) as loaded:
        assert loaded.files == ["0", "1"]
    with np.load(PytorchHelper().save_model(MODELS["pytorch"], path)) as loaded:
        assert loaded.files == ["fc.weight", "fc.bias"]
    np.testing.assert_array_equal(
        np.loadtxt(NumpyArrayHelper().save_model(MODELS["numpyarray"], path)), MODELS["numpyarray"]
    )


def test_several_arrays_are_no_numpyarray_model() -> None:
    data = KerasHelper().serialize_model_to_BytesIO(MODELS["keras"]).read()
    with pytest.raises(InvalidModel, match="one array is expected, and there are 2"):
        NumpyArrayHelper().load_model_from_BytesIO(data)


def test_an_unknown_helper_lists_the_known() -> None:
    with pytest.raises(InvalidInput, match=r"no helper 'jax' \(known: keras, numpyarray, pytorch\)"):
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
