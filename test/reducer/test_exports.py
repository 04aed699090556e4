from __future__ import annotations

import csv
import io
import json

import pytest

from fedn.reducer.exports import as_csv, as_json

HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"]


@pytest.mark.parametrize("cell", HOSTILE)
def test_no_cell_is_a_formula(cell: str) -> None:
    text = "".join(as_csv([[cell, "a=b"]], headings=["x", "y"]))
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["x", "y"], [f"'{cell}", "a=b"]]


def test_quotes_commas_and_lines_stay_within_their_cell() -> None:
    row = ['say "hi", then', "two\nlines", "", "<script>", "é漢字"]
    text = "".join(as_csv([row], headings=list("abcde")))
    assert text.startswith("a,b,c,d,e\r\n")
    assert list(csv.reader(io.StringIO(text, newline="")))[1] == row


@pytest.mark.parametrize("items", [[], [{"a": 1}], [{"a": [1, None]}, "text", 2.5]])
def test_json_is_one_array(items: list[object]) -> None:
    assert json.loads("".join(as_json(items))) == items
