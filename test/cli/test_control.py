"""The verbs of 2021."""

from __future__ import annotations

from pathlib import Path

import pytest
from federation import Federation

from fedn.security.join import JoinString


def test_a_project_is_made_packed_and_unpacked(fedn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "client/fedn.yaml" in fedn("control", "template").out
    assert fedn("control", "package", "-n", "mine", "-v", "True").out == "mine.tar.gz\n"
    (tmp_path / "other").mkdir()
    assert fedn("control", "unpack", "mine.tar.gz", "-d", "other").status == 0
    assert (tmp_path / "other" / "client" / "fedn.yaml").read_text() == (tmp_path / "client" / "fedn.yaml").read_text()
    again = fedn("control", "unpack", "mine.tar.gz")
    assert (again.status, "is there already" in again.err) == (7, True)


@pytest.mark.parametrize("switch", [("-u",), ("--upload", "True")])
def test_a_package_is_uploaded_by_address_and_token(
    fedn, network: Federation, tmp_path: Path, switch: tuple[str, ...]
) -> None:
    join = JoinString.parse((network.data_dir / "join" / "operator").read_text())
    fedn("control", "template", tmp_path)
    words = ("control", "package", "-r", join.host, "-p", join.port, "-t", join.token, "-d", tmp_path, *switch)
    ran = fedn(*words)
    assert ran.status == 0, ran.err
    assert ran.out.splitlines()[1] == f"uploaded as {network.reducer.packages()[0].id}"


def test_start_is_to_start_a_session(fedn, network: Federation) -> None:
    ran = fedn("control", "start", "--clients-required", 99, "--data-dir", network.data_dir)
    assert ran.status == 8
