"""What a helper is, and the base of those that can tell a model's arrays."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from fedn.core import weights
from fedn.core.dtypes import Array
from fedn.errors import InvalidModel
from fedn.utils.arrays import as_array, averaged, own

Model = TypeVar("Model")


class HelperBase(ABC, Generic[Model]):
    """A way of holding a model in Python, and its file.

    A helper of one's own needs these three methods; the others follow from them. One whose models are arrays by name is
    better made from `ArraysHelper`.
    """

    @abstractmethod
    def load_model(self, path: str | Path = "weights.npz") -> Model:
        """The model in a file, as a copy which may be written to."""

    @abstractmethod
    def save_model(self, model: Model, path: str | Path | None = None) -> str:
        """Write a model to exactly `path`, or else to a temporary file, and return the path."""

    @abstractmethod
    def increment_average(self, model: Model, model_next: Model, n: int) -> Model:
        """The mean of n models from that of the first n - 1, `model`, and the last one, `model_next`."""

    def get_tmp_path(self) -> str:
        """The path of a new, empty temporary file, which the caller deletes."""
        return _temporary(".npz")

    def load_model_from_BytesIO(self, model_bytes: bytes | BytesIO) -> Model:  # noqa: N802
        """The model in the bytes of a file."""
        path = Path(self.get_tmp_path())
        try:
            path.write_bytes(_bytes(model_bytes))
            return self.load_model(str(path))
        finally:
            path.unlink()

    def serialize_model_to_BytesIO(self, model: Model) -> BytesIO:  # noqa: N802
        """The file of a model in memory, at its beginning."""
        path = Path(self.get_tmp_path())
        try:
            self.save_model(model, str(path))
            return BytesIO(path.read_bytes())
        finally:
            path.unlink()


class ArraysHelper(HelperBase[Model]):
    """A helper for models that are arrays by name: it says which, and needs to do no more.

    Read is any format of `fedn.core.weights`, whichever a file has; written is `FORMAT`.
    """

    FORMAT: ClassVar[weights.Format] = weights.Format.NPZ

    @abstractmethod
    def to_arrays(self, model: Model) -> Mapping[str, Any]:
        """The arrays of a model by name, of numpy or of any library that numpy can take them from."""

    @abstractmethod
    def from_arrays(self, arrays: dict[str, Array]) -> Model:
        """The model of these arrays, which it may keep and change. They are in the order of the file."""

    def load_model(self, path: str | Path = "weights.npz") -> Model:
        """The model in a file, as a copy which may be written to; bfloat16 is handed out as float32.

        Raises:
            InvalidModel: The file is damaged, or holds something else than such a model.
        """
        return self._from_file(Path(path))

    def save_model(self, model: Model, path: str | Path | None = None) -> str:
        """Write a model to exactly `path`, or else to a temporary file, and return the path.

        Raises:
            InvalidModel: Something in it is no array of numbers; nothing was written then.
        """
        arrays = self._arrays(model)
        target = self.get_tmp_path() if path is None else str(path)
        weights.write(arrays, Path(target), format=self.FORMAT)
        return target

    def increment_average(self, model: Model, model_next: Model, n: int) -> Model:
        """The mean of n models from that of the first n - 1, `model`, and the last one, `model_next`.

        All weigh alike. Floats keep their type; integers and truth values become float64.
        """
        return self.from_arrays(averaged(self._arrays(model), self._arrays(model_next), n))

    def get_tmp_path(self) -> str:
        return _temporary(self.FORMAT.suffix)

    def load_model_from_BytesIO(self, model_bytes: bytes | BytesIO) -> Model:  # noqa: N802
        return self._from_file(_bytes(model_bytes))

    def serialize_model_to_BytesIO(self, model: Model) -> BytesIO:  # noqa: N802
        file = BytesIO()
        weights.write(self._arrays(model), file, format=self.FORMAT)
        file.seek(0)
        return file

    def _from_file(self, source: weights.Source) -> Model:
        return self.from_arrays({name: own(array) for name, array in weights.read(source).items()})

    def _arrays(self, model: Model) -> dict[str, Array]:
        arrays = {name: as_array(value, name) for name, value in self.to_arrays(model).items()}
        if not arrays:
            raise InvalidModel("the model has no arrays", hint="build it before it is saved")
        return arrays


def _temporary(suffix: str) -> str:
    with tempfile.NamedTemporaryFile(suffix=suffix, delete=False) as file:
        return file.name


def _bytes(data: bytes | BytesIO) -> bytes:
    return data.getvalue() if isinstance(data, BytesIO) else data
