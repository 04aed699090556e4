"""The verbs of 2021."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from federation import Federation, federation, seed_file

from fedn.security.join import JoinString


@pytest.fixture
def project(fedn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project from the template, as the working directory."""
    monkeypatch.chdir(tmp_path)
    assert fedn("control", "template").status == 0
    return tmp_path


@pytest.fixture
def join(network: Federation) -> JoinString:
    return operator_of(network)


@pytest.fixture
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    """A federation of this test's own."""
    with federation(tmp_path_factory.mktemp("federation")) as running:
        yield running


def operator_of(network: Federation) -> JoinString:
    return JoinString.parse((network.data_dir / "join" / "operator").read_text())


def address(join: JoinString) -> tuple[object, ...]:
    return ("-r", join.host, "-p", join.port, "-t", join.token)


def test_a_project_is_made_packed_and_unpacked(fedn, project: Path) -> None:
    assert fedn("control", "package", "-n", "mine", "-v", "True").out == "mine.tar.gz\n"
    (project / "other").mkdir()
    assert fedn("control", "unpack", "mine.tar.gz", "-d", "other").out == "other/client\n"
    for file in (project / "client").iterdir():
        assert (project / "other" / "client" / file.name).read_bytes() == file.read_bytes()
    again = fedn("control", "unpack", "mine.tar.gz")
    assert (again.status, "is there already" in again.err) == (7, True)
    again = fedn("control", "template")
    assert (again.status, "is there already" in again.err) == (7, True)


def test_the_package_of_no_name_is_package_tar_gz(fedn, project: Path) -> None:
    assert fedn("control", "package").out == "package.tar.gz\n"
    (project / "other").mkdir()
    missing = fedn("control", "unpack", "-d", "other")
    assert (missing.status, "there is no file other/package.tar.gz" in missing.err) == (6, True)
    (project / "package.tar.gz").rename(project / "other" / "package.tar.gz")
    assert fedn("control", "unpack", "-d", "other").out == "other/client\n"


@pytest.mark.parametrize(("name", "file"), [("mine.tar.gz", "mine.tar.gz"), ("v1.2 beta", "v1.2 beta.tar.gz")])
def test_a_package_is_kept_under_its_name(fedn, project: Path, name: str, file: str) -> None:
    assert fedn("control", "package", "-n", name, "-d", project).out == f"{project / file}\n"


@pytest.mark.parametrize("name", ["a/b", "..", ".hidden", "", ".tar.gz"])
def test_a_name_leads_nowhere_else(fedn, project: Path, name: str) -> None:
    ran = fedn("control", "package", "-n", name)
    assert (ran.status, f"{name!r} is no name for a package" in ran.err) == (3, True)


def test_a_folder_without_a_package_is_said_to_be_one(fedn, tmp_path: Path) -> None:
    ran = fedn("control", "package", "-d", tmp_path)
    assert (ran.status, f"{tmp_path} has no client/fedn.yaml" in ran.err) == (3, True)
    ran = fedn("control", "package", "-d", tmp_path / "nowhere")
    assert (ran.status, "does not exist" in ran.err) == (2, True)


@pytest.mark.parametrize(
    "words",
    [
        lambda join: ("-u", *address(join), "-v"),
        lambda join: (*address(join), "--upload", "True", "--validate", "True"),
        lambda join: ("-p", join.port, "-t", join.token, "-u"),
        lambda join: ("-u", "--join", join),
    ],
    ids=["address", "long", "this machine", "join string"],
)
def test_a_package_is_uploaded(
    fedn, network: Federation, project: Path, join: JoinString, words: Callable[[JoinString], tuple[object, ...]]
) -> None:
    ran = fedn("control", "package", "-d", project, "-n", "demo", *words(join))
    assert ran.status == 0, ran.err
    assert ran.out.splitlines() == [f"{project / 'demo.tar.gz'}", f"uploaded as {network.reducer.packages()[0].id}"]


def test_as_a_command_of_its_own(network: Federation, project: Path, join: JoinString) -> None:
    words = ("package", "-d", str(project), "-n", "demo", "-u", *map(str, address(join)), "-v")
    command = [sys.executable, "-m", "fedn", "control", *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=project)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[1] == f"uploaded as {network.reducer.packages()[0].id}"


def test_flags_override_the_join_string_of_the_environment(
    fedn, project: Path, join: JoinString, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "FEDN_JOIN", str(JoinString("localhost", 1, join.fingerprint, join.token)))
    assert fedn("control", "package", "-u").status == 9
    assert fedn("control", "package", "-u", *address(join)).status == 0
    monkeypatch.setitem(os.environ, "FEDN_JOIN", str(join))
    assert fedn("control", "package", "-u").status == 0


@pytest.mark.parametrize(
    "wrong",
    [
        (("-r", "localhost", "-p", "1"), 9, "no reducer at https://localhost:1"),
        (("-p", "x"), 3, "'x' is not a port number"),
        (("-t", "nonsense"), 4, "the token is malformed"),
    ],
    ids=["nobody there", "no port", "no token"],
)
@pytest.mark.parametrize("verb", [("package", "-u"), ("start",)], ids=["package", "start"])
def test_what_is_wrong_is_said(
    fedn, project: Path, join: JoinString, verb: tuple[str, ...], wrong: tuple[tuple[str, ...], int, str]
) -> None:
    words, status, why = wrong
    ran = fedn("control", *verb, "-t", join.token, *words)
    assert (ran.status, why in ran.err) == (status, True), ran.err


def test_rounds_are_started_at_an_address(fedn, alone: Federation, tmp_path: Path) -> None:
    join = operator_of(alone)
    ran = fedn("control", "start", *address(join))
    assert (ran.status, "there is no model to start from" in ran.err) == (8, True)
    alone.reducer.seed_model(seed_file(tmp_path))
    ran = fedn("control", "start", *address(join))
    assert (ran.status, "there is no compute package, and no client that works without one" in ran.err) == (8, True)
    with alone.clients(1):
        ran = fedn("control", "start", "--rounds", 2, "-p", join.port, "-t", join.token, "--watch", "-P", "task=digits")
        assert ran.status == 0, ran.err
        assert "is finished, 2 of 2 rounds done" in ran.out
        ran = fedn("control", "start", "--rounds", 1, "--data-dir", alone.data_dir, "--json", "--watch")
        assert ran.json["state"] == "finished"
    assert [one.rounds for one in alone.reducer.sessions()] == [1, 2]
    assert alone.reducer.sessions()[1].parameters == {"task": "digits"}


def test_the_package_of_a_seeded_federation_is_not_replaced(fedn, alone: Federation, project: Path) -> None:
    upload = ("control", "package", "-u", *address(operator_of(alone)))
    assert fedn(*upload).status == 0
    alone.reducer.seed_model(seed_file(project))
    assert fedn(*upload).status == 0
    (project / "client" / "more.py").write_text("")
    ran = fedn(*upload)
    assert (ran.status, "can't be replaced" in ran.err) == (7, True)
