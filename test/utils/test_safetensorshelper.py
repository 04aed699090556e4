"""Files of the safetensors library, both ways."""

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
from numpy.testing import assert_array_equal

from fedn.utils.pytorchhelper import PytorchHelper
from fedn.utils.safetensorshelper import SafetensorsHelper

RNG = np.random.default_rng(0)
MODEL: dict[str, Any] = {
    "model.embed.weight": RNG.normal(size=(5, 4)).astype(np.float32),
    "half": np.arange(3, dtype=np.float16),
    "double": RNG.normal(size=(2, 2)),
    "columns": np.asfortranarray(RNG.normal(size=(3, 4))),
    "count": np.array(12),
    "mask": np.array([True, False]),
    "bytes": np.arange(4, dtype=np.uint8),
    "none": np.zeros((0, 3), np.float32),
}
BRAIN = RNG.normal(size=(3, 2)).astype(ml_dtypes.bfloat16)
HELPER = SafetensorsHelper()


def test_it_reads_what_the_library_writes(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    safetensors.numpy.save_file({**MODEL, "columns": np.ascontiguousarray(MODEL["columns"]), "brain": BRAIN}, path)
    for loaded in (HELPER.load_model(path), HELPER.load_model_from_BytesIO(path.read_bytes())):
        assert type(loaded) is dict
        assert loaded.keys() == {*MODEL, "brain"}
        for name, array in MODEL.items():
            assert_array_equal(loaded[name], array, strict=True)
        assert_array_equal(loaded["brain"], BRAIN.astype(np.float32), strict=True)


def test_the_library_reads_what_it_writes(tmp_path: Path) -> None:
    path = HELPER.save_model({**MODEL, "brain": BRAIN}, tmp_path / "update")
    loaded = safetensors.numpy.load_file(path)
    assert_array_equal(loaded.pop("brain"), BRAIN, strict=True)
    for found in (loaded, safetensors.numpy.load(HELPER.serialize_model_to_BytesIO(MODEL).getvalue())):
        assert found.keys() == MODEL.keys()
        for name, array in MODEL.items():
            assert_array_equal(found[name], array, strict=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_trained_on_from_bfloat16_is_as_precise_as_the_caller_has_it(dtype: Any) -> None:
    loaded = HELPER.load_model_from_BytesIO(safetensors.numpy.save({"w": BRAIN}))
    data = HELPER.serialize_model_to_BytesIO({"w": (loaded["w"] + 1e-4).astype(dtype)}).getvalue()
    assert safetensors.numpy.load(data)["w"].dtype == dtype


def test_files_of_the_other_format_are_read() -> None:
    data = PytorchHelper().serialize_model_to_BytesIO(MODEL)
    assert HELPER.load_model_from_BytesIO(data).keys() == MODEL.keys()
    data = HELPER.serialize_model_to_BytesIO(MODEL)
    assert PytorchHelper().load_model_from_BytesIO(data).keys() == MODEL.keys()
