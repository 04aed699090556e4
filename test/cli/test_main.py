from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fedn import __version__
from fedn.cli import exits
from fedn.errors import FednError


def kinds(root: type[FednError]) -> list[type[FednError]]:
    return [root, *(kind for child in root.__subclasses__() for kind in kinds(child))]


def test_every_error_has_an_exit_status() -> None:
    assert {kind.code for kind in kinds(FednError)} == set(exits.BY_CODE)
    assert all(0 < status < 126 for status in exits.BY_CODE.values())


def test_it_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "fedn", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"fedn {__version__}\n"


def test_an_error_is_a_line_and_a_hint(fedn, tmp_path: Path) -> None:
    ran = fedn("model", "list", "--data-dir", tmp_path)
    assert (ran.status, ran.out) == (3, "")
    error, hint = ran.err.splitlines()
    assert error.startswith("error: no reducer is known")
    assert hint.startswith("hint: give --join")


def test_an_error_is_an_object_with_json(fedn, tmp_path: Path) -> None:
    ran = fedn("model", "list", "--json", "--data-dir", tmp_path)
    assert (ran.status, ran.err) == (3, "")
    assert ran.json["error"].keys() == {"code", "message", "hint"}
    assert ran.json["error"]["code"] == "invalid_settings"


def test_a_wrong_word_is_a_wrong_usage(fedn) -> None:
    ran = fedn("modle")
    assert (ran.status, ran.out) == (2, "")
    assert "No such command 'modle'" in ran.err
    ran = fedn("model", "list", "--limit", "many", "--json")
    assert (ran.status, ran.json["error"]["code"]) == (2, "usage")


def test_the_environment_says_where_the_reducer_is(fedn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDN_JOIN", "fedn://half")
    ran = fedn("client", "list")
    assert (ran.status, "the join string does not have the form" in ran.err) == (3, True)


def test_a_reader_that_goes_away_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "client").mkdir()
    command = f"{sys.executable} -m fedn --help | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
