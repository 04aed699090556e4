"""What compute packages import to read and write models and metadata."""

from __future__ import annotations

import json
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from fedn.core import weights
from fedn.core.layout import Weights
from fedn.errors import InvalidInput

Model = TypeVar("Model")

_HELPERS = {
    "keras": "fedn.utils.kerashelper:KerasHelper",
    "pytorch": "fedn.utils.pytorchhelper:PytorchHelper",
    "numpyarray": "fedn.utils.numpyarrayhelper:NumpyArrayHelper",
}


class HelperBase(ABC, Generic[Model]):
    """A way of holding a model in Python, and its file. Models that are read are copies, which may be written to."""

    FORMAT: ClassVar[weights.Format] = weights.Format.NPZ

    def load_model(self, path: str | Path = "weights.npz") -> Model:
        """The model in a file; raises InvalidModel where it is damaged."""
        return self._from_weights(weights.read(Path(path)))

    def save_model(self, model: Model, path: str | Path | None = None) -> str:
        """Write a model to `path`, or else to a temporary file, and return the path."""
        target = str(path or self.get_tmp_path())
        weights.write(self._to_weights(model), Path(target), format=self.FORMAT)
        return target

    def get_tmp_path(self) -> str:
        """The path of a new, empty temporary file, which the caller deletes."""
        with tempfile.NamedTemporaryFile(suffix=f".{self.FORMAT.value}", delete=False) as file:
            return file.name

    def load_model_from_BytesIO(self, model_bytes: bytes) -> Model:  # noqa: N802
        """The model in the bytes of a file."""
        return self._from_weights(weights.read(model_bytes))

    def serialize_model_to_BytesIO(self, model: Model) -> BytesIO:  # noqa: N802
        """The file of a model in memory, at its beginning."""
        file = BytesIO()
        weights.write(self._to_weights(model), file, format=self.FORMAT)
        file.seek(0)
        return file

    @abstractmethod
    def increment_average(self, model: Model, model_next: Model, n: int) -> Model:
        """The mean of n models from that of the first n - 1, `model`, and the last one, `model_next`."""

    @abstractmethod
    def _to_weights(self, model: Model) -> Weights:
        """Named arrays of a model."""

    @abstractmethod
    def _from_weights(self, arrays: Weights) -> Model:
        """The model of named arrays."""


def get_helper(name: str) -> HelperBase[Any]:
    """The helper of a framework: keras, pytorch or numpyarray.

    Raises:
        InvalidInput: there is none of that name.
    """
    if name not in _HELPERS:
        raise InvalidInput(f"there is no helper {name!r}", hint=f"known: {', '.join(sorted(_HELPERS))}")
    module, _, attribute = _HELPERS[name].partition(":")
    helper: HelperBase[Any] = getattr(import_module(module), attribute)()
    return helper


def save_metadata(metadata: Mapping[str, Any], out_path: str | Path) -> str:
    """Write what goes with an update beside its file, to `OUT-metadata`, and return that path.

    Args:
        metadata: `num_examples`, the weight of the update, and `metrics`, numbers by name. numpy numbers will do.
        out_path: Path of the update, the last argument of the entry point.
    """
    path = f"{out_path}-metadata"
    Path(path).write_text(json.dumps(metadata, default=_plain), encoding="utf-8")
    return path


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise InvalidInput(f"metadata can't hold a {type(value).__name__}", hint="use numbers, strings, lists and dicts")
