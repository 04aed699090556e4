"""What compute packages import to read and write models and metadata.

Helpers go by name: ours, and those that other distributions bring as entry points of the group `fedn.helpers`. FEDn
itself may be on the path without its metadata, so ours are no entry points.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fedn.errors import InvalidInput
from fedn.utils.base import ArraysHelper, HelperBase
from fedn.utils.metadata import save_metadata

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["ArraysHelper", "HelperBase", "get_helper", "helper_names", "save_metadata"]

GROUP = "fedn.helpers"

_OURS = {
    "keras": "fedn.utils.kerashelper:KerasHelper",
    "numpy": "fedn.utils.numpyhelper:NumpyHelper",
    "numpyarray": "fedn.utils.numpyarrayhelper:NumpyArrayHelper",
    "pytorch": "fedn.utils.pytorchhelper:PytorchHelper",
    "safetensors": "fedn.utils.safetensorshelper:SafetensorsHelper",
    "sklearn": "fedn.utils.sklearnhelper:SklearnHelper",
}


def get_helper(name: str) -> HelperBase[Any]:
    """The helper of this name: one of `helper_names()`.

    Raises:
        InvalidInput: There is none, several distributions bring one, or the one that does brings a broken one.
    """
    if name in _OURS:
        module, _, attribute = _OURS[name].partition(":")
        helper: HelperBase[Any] = getattr(import_module(module), attribute)()
        return helper
    found = [entry for entry in _entry_points() if entry.name == name]
    if not found:
        raise InvalidInput(f"there is no helper {name!r}", hint=f"known: {', '.join(helper_names())}")
    if len(found) > 1:
        raise InvalidInput(
            f"{len(found)} distributions bring a helper {name!r}: {', '.join(sorted(map(_source, found)))}",
            hint="uninstall all but one",
        )
    return _load(found[0])


def helper_names() -> list[str]:
    """The names of all helpers that are installed, in order; those of other distributions may turn out broken."""
    return sorted({*_OURS, *(entry.name for entry in _entry_points())})


def _entry_points() -> list[EntryPoint]:
    # Takes longer to import than all else here, and most packages ask for one of ours.
    from importlib.metadata import entry_points  # noqa: PLC0415

    return list(entry_points(group=GROUP))


def _load(entry: EntryPoint) -> HelperBase[Any]:
    try:
        kind = entry.load()
        if not isinstance(kind, type) or not issubclass(kind, HelperBase):
            raise TypeError("it is no subclass of fedn.utils.helpers.HelperBase")
        return kind()
    except Exception as error:
        raise InvalidInput(
            f"helper {entry.name!r} is broken: {entry.value} of {_source(entry)}: {type(error).__name__}: {error}",
            hint=f"tell those who make {_source(entry)}, or install what it needs",
        ) from error


def _source(entry: EntryPoint) -> str:
    """The distribution that an entry point is of."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown distribution"
