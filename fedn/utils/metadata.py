"""What a compute package says beside its update."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fedn.errors import InvalidInput


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
