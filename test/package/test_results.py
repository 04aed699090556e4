import json
from pathlib import Path

import pytest

from fedn.core.numbers import finite_numbers
from fedn.errors import EntryPointFailed
from fedn.package.results import Metadata, read_metadata, read_validation


def side(folder: Path, content: str) -> Path:
    (folder / "out-metadata").write_text(content)
    return folder / "out"


def test_metadata_is_optional_in_all_its_parts(tmp_path: Path) -> None:
    assert read_metadata(tmp_path / "out") == Metadata(None, {})
    assert read_metadata(side(tmp_path, "{}")) == Metadata(None, {})
    assert read_metadata(side(tmp_path, '{"num_examples": 3, "note": "few today"}')) == Metadata(3, {})
    content = '{"num_examples": 12, "metrics": {"loss": 1, "accuracy": 0.5, "lost": NaN}}'
    assert read_metadata(side(tmp_path, content)) == Metadata(12, {"loss": 1.0, "accuracy": 0.5})


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("", "OUT-metadata is no JSON"),
        ("[" * 100_000, "OUT-metadata is no JSON"),
        ("[1]", r"OUT-metadata is \[1\], expected a JSON object"),
        ('{"num_examples": "12"}', "num_examples in OUT-metadata is '12', expected a whole number from 1"),
        ('{"num_examples": 1.5}', "expected a whole number from 1"),
        ('{"num_examples": 0}', "expected a whole number from 1"),
        ('{"num_examples": true}', "expected a whole number from 1"),
        ('{"metrics": [0.5]}', "expected an object of numbers"),
        ('{"metrics": {"loss": "low"}}', "expected an object of numbers"),
    ],
)
def test_metadata_that_is_wrong_is_said(tmp_path: Path, content: str, error: str) -> None:
    with pytest.raises(EntryPointFailed, match=error):
        read_metadata(side(tmp_path, content))


def test_a_validation_is_an_object_and_its_finite_numbers_are_the_metrics(tmp_path: Path) -> None:
    content = {"accuracy": 0.5, "count": 3, "loss": float("inf"), "good": True, "note": "x", "by_class": [1, 2]}
    (tmp_path / "out").write_text(json.dumps(content))
    assert read_validation(tmp_path / "out") == content
    assert finite_numbers(content) == {"accuracy": 0.5, "count": 3.0}


@pytest.mark.parametrize("content", [b"", b"0.9", b"accuracy: 0.9", b"\xff\xfe\xfd", b"[1, 2]"])
def test_a_validation_that_is_no_object_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "out").write_bytes(content)
    with pytest.raises(EntryPointFailed, match=r"the validation's OUT is"):
        read_validation(tmp_path / "out")
