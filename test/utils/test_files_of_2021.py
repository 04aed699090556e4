"""The three helpers of 2021, as packages of that time call them, against files of plain numpy, both ways.

Signatures are those of section 3 of the contract: positional arguments, paths as strings, a model's bytes as bytes.
"""

import io
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fedn.core import weights
from fedn.utils.helpers import HelperBase, get_helper
from fedn.utils.kerashelper import KerasHelper
from fedn.utils.numpyarrayhelper import NumpyArrayHelper
from fedn.utils.pytorchhelper import PytorchHelper

RNG = np.random.default_rng(0)
LAYERS = [RNG.normal(size=(size + 1, 3)).astype(np.float32) for size in range(13)]
STATE = OrderedDict(
    [
        ("features.0.weight", RNG.normal(size=(2, 1, 3, 3)).astype(np.float32)),
        ("features.0.bias", np.zeros(2, np.float16)),
        ("bn.num_batches_tracked", np.array(12)),
        ("größe/β", np.asfortranarray(RNG.normal(size=(3, 4)))),
        ("mask", np.array([True, False])),
        ("none", np.zeros((0, 5))),
        ("big", np.arange(3, dtype=">i4")),
    ]
)
MATRIX = RNG.normal(size=(4, 3))

SAVERS: list[Callable[..., None]] = [np.savez, np.savez_compressed]


def equal(found: Any, expected: Any) -> None:
    assert found.dtype == expected.dtype.newbyteorder("=")
    assert_array_equal(found, expected)
    assert found.shape == expected.shape


class Tensor:
    """What numpy and a helper see of a PyTorch tensor; the real ones are tried by hand."""

    def __init__(self, array: Any, *, requires_grad: bool = False, device: str = "cpu") -> None:
        self.array, self.requires_grad, self.device = array, requires_grad, device
        self.dtype = array.dtype

    def detach(self) -> "Tensor":
        return Tensor(self.array, device=self.device)

    def cpu(self) -> "Tensor":
        return Tensor(self.array, requires_grad=self.requires_grad)

    def numpy(self) -> Any:
        if self.requires_grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        if self.device != "cpu":
            raise TypeError(f"can't convert {self.device} device type tensor to numpy.")
        return self.array

    __array__ = numpy


@pytest.mark.parametrize(
    ("name", "kind"), [("keras", KerasHelper), ("pytorch", PytorchHelper), ("numpyarray", NumpyArrayHelper)]
)
def test_the_names_of_2021(name: str, kind: type[HelperBase[Any]]) -> None:
    assert type(get_helper(name)) is kind
    assert isinstance(kind(), HelperBase)


@pytest.mark.parametrize("savez", SAVERS)
def test_keras_reads_what_numpy_writes(savez: Callable[..., None], tmp_path: Path) -> None:
    path = str(tmp_path / "weights.npz")
    savez(path, **{str(index): array for index, array in enumerate(LAYERS)})
    for loaded in (KerasHelper().load_model(path), KerasHelper().load_model_from_BytesIO(Path(path).read_bytes())):
        assert type(loaded) is list
        for array, layer in zip(loaded, LAYERS, strict=True):
            equal(array, layer)


@pytest.mark.parametrize("savez", SAVERS)
def test_a_list_is_in_order_whatever_that_of_the_file(savez: Callable[..., None]) -> None:
    names = sorted(map(str, range(len(LAYERS))))
    assert names[2] == "10"
    file = io.BytesIO()
    savez(file, **{name: LAYERS[int(name)] for name in names})
    for array, layer in zip(KerasHelper().load_model_from_BytesIO(file.getvalue()), LAYERS, strict=True):
        equal(array, layer)


def test_numpy_reads_what_keras_writes(tmp_path: Path) -> None:
    path = str(tmp_path / "update")
    assert KerasHelper().save_model(LAYERS, path) == path
    for file in (path, KerasHelper().serialize_model_to_BytesIO(LAYERS)):
        with np.load(file) as loaded:
            assert loaded.files == [str(index) for index in range(len(LAYERS))]
            for index, layer in enumerate(LAYERS):  # as the helper of 2021 reads it
                equal(loaded[str(index)], layer)
    assert zipfile.ZipFile(path).testzip() is None
    assert {info.compress_type for info in zipfile.ZipFile(path).infolist()} == {zipfile.ZIP_STORED}


@pytest.mark.parametrize("savez", SAVERS)
def test_pytorch_reads_what_numpy_writes(savez: Callable[..., None], tmp_path: Path) -> None:
    path = str(tmp_path / "weights.npz")
    savez(path, **STATE)
    for loaded in (PytorchHelper().load_model(path), PytorchHelper().load_model_from_BytesIO(Path(path).read_bytes())):
        assert type(loaded) is OrderedDict
        assert list(loaded) == list(STATE)
        for name, array in loaded.items():
            equal(array, STATE[name])


def test_numpy_reads_what_pytorch_writes(tmp_path: Path) -> None:
    path = str(tmp_path / "update")
    assert PytorchHelper().save_model(STATE, path) == path
    for file in (path, PytorchHelper().serialize_model_to_BytesIO(STATE)):
        with np.load(file) as loaded:
            assert loaded.files == list(STATE)
            for name, array in STATE.items():
                equal(loaded[name], array)


@pytest.mark.parametrize("array", [MATRIX, MATRIX[0], np.array(2.5), MATRIX[:1], np.arange(3), MATRIX > 0], ids=repr)
def test_text_goes_both_ways(array: Any, tmp_path: Path) -> None:
    helper, theirs, ours = NumpyArrayHelper(), str(tmp_path / "theirs.txt"), str(tmp_path / "ours.txt")
    np.savetxt(theirs, np.atleast_1d(array))
    assert helper.save_model(array, ours) == ours
    assert Path(ours).read_bytes() == Path(theirs).read_bytes()
    assert helper.serialize_model_to_BytesIO(array).getvalue() == Path(theirs).read_bytes()
    for loaded in (helper.load_model(theirs), helper.load_model_from_BytesIO(Path(theirs).read_bytes())):
        equal(loaded, np.loadtxt(theirs))
        assert_array_equal(loaded, np.squeeze(array))


def test_text_of_special_values_and_comments(tmp_path: Path) -> None:
    array = np.array([[np.inf, -np.inf], [1e-300, np.nan]])
    path = tmp_path / "model"
    np.savetxt(path, array, header="weights", footer="end")
    assert_array_equal(NumpyArrayHelper().load_model(str(path)), array)


def test_an_entry_point_of_2021(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`train.py IN OUT` of a Keras package of that time; OUT has no suffix, and stays so."""
    seed, out = tmp_path / "seed.npz", tmp_path / "1f0c7a30"
    np.savez_compressed(seed, **{str(index): array for index, array in enumerate(LAYERS)})
    monkeypatch.setattr(sys, "argv", ["train.py", str(seed), str(out)])

    helper = get_helper("keras")
    layers = helper.load_model(sys.argv[1])
    layers = [layer + 1 for layer in layers]
    assert helper.save_model(layers, sys.argv[2]) == sys.argv[2]

    assert sorted(path.name for path in tmp_path.iterdir()) == ["1f0c7a30", "seed.npz"]
    with np.load(out) as update:
        equal(update["12"], LAYERS[12] + 1)


def test_a_seed_of_2021_is_made_in_memory_and_by_keyword(tmp_path: Path) -> None:
    helper = PytorchHelper()
    path = helper.save_model(model=STATE, path=str(tmp_path / "seed.npz"))
    assert helper.load_model(path=path).keys() == STATE.keys()
    data = helper.serialize_model_to_BytesIO(model=STATE).getvalue()
    assert helper.load_model_from_BytesIO(model_bytes=data).keys() == STATE.keys()
    mean = helper.increment_average(model=STATE, model_next=STATE, n=2)
    assert isinstance(mean, OrderedDict)


@pytest.mark.parametrize("name", ["keras", "pytorch"])
def test_numpy_writes_to_the_temporary_path(name: str) -> None:
    path = get_helper(name).get_tmp_path()
    assert path.endswith(".npz")  # so that numpy adds no suffix
    np.savez_compressed(path, **{"0": MATRIX})
    assert len(get_helper(name).load_model(path)) == 1
    Path(path).unlink()


@pytest.mark.parametrize("tensor", [Tensor(MATRIX), Tensor(MATRIX, requires_grad=True, device="cuda:0")])
def test_tensors_are_saved_without_their_gradients(tensor: Tensor) -> None:
    with np.load(PytorchHelper().serialize_model_to_BytesIO({"w": tensor})) as loaded:
        equal(loaded["w"], MATRIX)
    with np.load(KerasHelper().serialize_model_to_BytesIO([tensor])) as loaded:  # type: ignore[list-item]
        equal(loaded["0"], MATRIX)


def test_tensors_of_bfloat16_are_saved_as_such() -> None:
    class Brain(Tensor):
        def detach(self) -> "Brain":
            return self

        def cpu(self) -> "Brain":
            return self

        def numpy(self) -> Any:
            raise TypeError("Got unsupported ScalarType BFloat16")

        def float(self) -> Tensor:
            return Tensor(self.array)

    brain = Brain(np.array([1.5, -2], np.float32))
    brain.dtype = "torch.bfloat16"
    data = PytorchHelper().serialize_model_to_BytesIO({"w": brain}).getvalue()
    assert weights.read(data)["w"].dtype == "V2"
    equal(PytorchHelper().load_model_from_BytesIO(data)["w"], brain.array)


def test_anything_that_numpy_takes_for_an_array_is_saved() -> None:
    class Variable:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return MATRIX

    with np.load(PytorchHelper().serialize_model_to_BytesIO({"w": Variable(), "b": [1.0, 2.0], "n": 3})) as loaded:
        equal(loaded["w"], MATRIX)
        assert loaded["b"].tolist() == [1, 2] and loaded["n"] == 3
    with np.load(PytorchHelper().serialize_model_to_BytesIO(STATE)) as loaded:
        assert PytorchHelper().load_model_from_BytesIO(PytorchHelper().serialize_model_to_BytesIO(loaded)).keys()
