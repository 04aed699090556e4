"""What an entry point left behind: its validation, and the side file with examples and metrics.

Beside its OUT an entry point may write `OUT-metadata`, a JSON object `{"num_examples": 120, "metrics": {"loss": 0.3}}`;
both keys may be missing. Numbers that are not finite are no metrics: a mean with them would say nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fedn.core.numbers import finite_numbers, is_number
from fedn.errors import EntryPointFailed


@dataclass(frozen=True)
class Metadata:
    """What an entry point says of its run."""

    examples: int | None = None
    """Number of examples it trained or validated on; None when it doesn't say."""
    metrics: Mapping[str, float] = field(default_factory=dict)


def side_file(out_path: Path) -> Path:
    """Where an entry point that writes to `out_path` may leave its metadata."""
    return out_path.with_name(f"{out_path.name}-metadata")


def read_metadata(out_path: Path) -> Metadata:
    """The metadata beside `out_path`; empty when there is none.

    Raises:
        EntryPointFailed: The side file is not what it should be.
    """
    path = side_file(out_path)
    if not path.exists():
        return Metadata()
    content = _read_object(path, "the side file OUT-metadata")
    examples, metrics = content.get("num_examples"), content.get("metrics", {})
    if examples is not None and (isinstance(examples, bool) or not isinstance(examples, int) or examples < 1):
        raise EntryPointFailed(f"num_examples in OUT-metadata is {examples!r}, expected a whole number from 1")
    if not isinstance(metrics, dict) or not all(is_number(value) for value in metrics.values()):
        raise EntryPointFailed(f"metrics in OUT-metadata is {metrics!r:.200}, expected an object of numbers")
    return Metadata(examples, finite_numbers(metrics))


def read_validation(path: Path) -> dict[str, Any]:
    """The JSON object of a validation.

    Raises:
        EntryPointFailed: The file holds something else.
    """
    return _read_object(path, "the validation's OUT")


def _read_object(path: Path, what: str) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise EntryPointFailed(f"{what} is no JSON: {error}", hint="write it with json.dump") from None
    if not isinstance(content, dict):
        raise EntryPointFailed(f"{what} is {content!r:.200}, expected a JSON object", hint='such as {"accuracy": 0.9}')
    return content
