"""Models above 2 and 4 GiB, where the sizes and offsets of 31 and 32 bits end.

Their files are sparse, and take next to no disk.
"""

from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open

from fedn.core import weights
from fedn.core.weights import Format, Weights

SIZE = (4 << 30) + 1000
"""Of the larger one; the other has half of it."""
PIECE = 1 << 20


class SparseFile(FileIO):
    """A new file with holes in place of zeros."""

    def write(self, data: Any) -> int:
        content = memoryview(data).cast("B")
        for start in range(0, len(content), PIECE):
            piece = content[start : start + PIECE]
            if len(piece) == PIECE and not np.frombuffer(piece, np.uint8).any():
                self.seek(PIECE, 1)
            else:
                super().write(piece)
        return len(content)


def model_of(size: int) -> Weights:
    big = np.zeros(size, np.int8)  # which takes no memory before it is written to
    big[[0, -1]] = 1, 2
    return {"big": big, "tail": np.arange(3, dtype=np.float32)}


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "model"
    yield path
    path.unlink()


def same(found: Weights, model: Weights) -> None:
    assert list(found) == list(model)
    np.testing.assert_array_equal(found["tail"], model["tail"], strict=True)
    big = found["big"]
    assert (big.dtype, big.shape) == (np.int8, model["big"].shape)
    assert (big[0], big[-1], np.count_nonzero(big[:: PIECE // 2])) == (1, 2, 1)


def test_npz_is_read_by_numpy(path: Path) -> None:
    model = model_of(SIZE)
    with SparseFile(path, "x") as file:
        weights.write(model, file)
    same(weights.read(path), model)
    with np.load(path, allow_pickle=False) as loaded:
        same(dict(loaded), model)


@pytest.mark.parametrize("size", [SIZE // 2, SIZE])
def test_npz_of_numpy_is_read(path: Path, size: int) -> None:
    model = model_of(size)
    with SparseFile(path, "x+") as file:
        np.savez(file, **model)
    same(weights.read(path), model)


def test_safetensors_are_read_here_and_by_the_library(path: Path) -> None:
    model = model_of(SIZE)
    with SparseFile(path, "x") as file:
        weights.write(model, file, format=Format.SAFETENSORS)
    same(weights.read(path), model)
    with safe_open(path, "numpy") as loaded:
        np.testing.assert_array_equal(loaded.get_tensor("tail"), model["tail"])
        assert loaded.get_slice("big")[SIZE - 2 :].tolist() == [0, 2]
