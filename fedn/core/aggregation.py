"""Partials of either kind: begun, and read back from their files."""

from __future__ import annotations

import json
from pathlib import Path

from fedn.core import weights as files
from fedn.core.exact import ExactPartial
from fedn.core.layout import Layout
from fedn.core.partial import HEADER, Checked, Partial
from fedn.core.sums import SumPartial
from fedn.errors import Corrupt, InvalidInput

__all__ = ["Checked", "ExactPartial", "Partial", "SumPartial", "from_bytes", "from_file", "zero"]

_KINDS: dict[str, type[Partial]] = {kind.KIND: kind for kind in (SumPartial, ExactPartial)}


def zero(layout: Layout, *, reproducible: bool = False) -> Partial:
    """The partial of no update: exact, or a plain sum."""
    return ExactPartial(layout) if reproducible else SumPartial(layout)


def from_bytes(data: bytes | memoryview) -> Partial:
    """The partial that `to_bytes` wrote; `data` must not change while it is in use.

    Raises:
        Corrupt: it is damaged, or something else.
    """
    return _read(data)


def from_file(path: Path) -> Partial:
    """The partial in a file, which is mapped and must not change while it is in use; raises as `from_bytes` does."""
    return _read(path)


def _read(source: files.Source) -> Partial:
    try:
        arrays = files.read(source, limit=0)
        header = json.loads(arrays.pop(HEADER).tobytes())
        return _KINDS[header["kind"]].rebuild(header, arrays)
    except (InvalidInput, LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise Corrupt(f"this is no partial, or a damaged one: {error}", hint="have it sent again") from None
