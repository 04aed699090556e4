"""Lists as files, for spreadsheets and programs, written as they are read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from flask import Response

from fedn.reducer.encoding import dumps

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What spreadsheets take a cell for a formula by, or look behind for one."""


def as_csv(rows: Iterable[Sequence[str | float]], *, headings: Sequence[str]) -> Iterator[str]:
    """Lines (RFC 4180). A cell that a spreadsheet would take for a formula gets a `'` before it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_plain(headings))
    for row in rows:
        writer.writerow(_plain(row))
        yield text.getvalue()  # the headings with the first row: what can't be read at all begins no file
        text.seek(0)
        text.truncate()
    yield text.getvalue()


def _plain(row: Sequence[str | float]) -> list[str | float]:
    return [f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell for cell in row]


def as_json(items: Iterable[Any]) -> Iterator[str]:
    """An array, an item a line."""
    separator = "[\n"
    for item in items:
        yield separator + dumps(item)
        separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"


def attachment(pieces: Iterator[str], *, name: str, mimetype: str) -> Response:
    """A download. What fails before its first piece is answered as an error."""
    first = next(pieces, "")
    response = Response(chain([first], pieces), mimetype=mimetype)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
