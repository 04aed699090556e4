"""How things look: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fedn.log import harmless
from fedn.stores.document import Document

T = TypeVar("T")

Columns = Mapping[str, Callable[[T], object]]
"""Heading → what stands under it for an item."""


def console(*, stderr: bool = False) -> Console:
    """Standard output (or error); where it isn't a terminal, lines are long and not cut."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else 500, highlight=False, markup=False)


def items(found: Sequence[T], columns: Columns[T], *, as_json: bool, none: str) -> None:
    """Print a list. `none` is said to people when it is empty."""
    if as_json:
        print_json([_plain(item) for item in found])
    elif not found:
        click.echo(none)
    else:
        console().print(table(found, columns))


def table(found: Sequence[T], columns: Columns[T]) -> Table:
    """A list as a table."""
    grid = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in columns:
        grid.add_column(heading, overflow="fold")
    for item in found:
        grid.add_row(*(Text(harmless(str(cell(item)))) for cell in columns.values()))
    return grid


def record(item: Document | Mapping[str, Any], *, as_json: bool) -> None:
    """Print all there is of one thing."""
    body = _plain(item)
    if as_json:
        print_json(body)
        return
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for key, value in body.items():
        table.add_row(Text(key.replace("_", " "), style="bold"), Text(_cell(key, value), overflow="fold"))
    console().print(table)


def print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2))


def instant(seconds: float | None) -> str:
    """A moment in this machine's time zone, from seconds since the epoch; empty for none."""
    return f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M:%S}" if seconds is not None else ""


def size(count: float) -> str:
    """A number of bytes with its unit."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def metrics(found: Mapping[str, float]) -> str:
    """Metrics in one line, by name."""
    return " ".join(f"{name}={found[name]:.4f}" for name in sorted(found))


def _cell(key: str, value: object) -> str:
    if key.endswith("_at") and isinstance(value, float):
        return instant(value)
    return json.dumps(value) if isinstance(value, dict | list) else "" if value is None else harmless(str(value))


def _plain(item: object) -> Any:
    return item.to_body() if isinstance(item, Document) else item
