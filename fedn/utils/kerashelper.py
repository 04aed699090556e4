"""Models as Keras has them: a list of arrays, as `model.get_weights()` returns it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fedn.core.dtypes import Array
from fedn.errors import InvalidInput, InvalidModel
from fedn.utils.base import ArraysHelper


class KerasHelper(ArraysHelper[Sequence[Array]]):
    """A list of arrays; in the file they are named "0", "1", …, in whatever order."""

    def to_arrays(self, model: Sequence[Any]) -> dict[str, Any]:
        if isinstance(model, Mapping) or not isinstance(model, Iterable) or hasattr(model, "shape"):
            raise InvalidInput(
                f"a list of arrays is expected, and this is a {type(model).__name__}",
                hint="get_helper('pytorch') takes arrays by name; of Keras hand over model.get_weights()",
            )
        return {str(index): array for index, array in enumerate(model)}

    def from_arrays(self, arrays: dict[str, Array]) -> list[Array]:
        names = [str(index) for index in range(len(arrays))]
        if missing := [name for name in names if name not in arrays]:
            raise InvalidModel(
                f"the arrays of a list are named 0 to {len(names) - 1}, and {missing[0]!r} is not among these: "
                f"{', '.join(arrays)}",
                hint="get_helper('pytorch') reads arrays of any names",
            )
        return [arrays[name] for name in names]
