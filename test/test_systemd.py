"""The units for systemd: right in its eyes, and what they run and set is what FEDn has."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from fedn.cli.main import fedn
from fedn.combiner.app import DRAIN_SECONDS
from fedn.config import ClientSettings, CombinerSettings, ReducerSettings, options

FOLDER = Path(__file__).parents[1] / "config" / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))
DROP_IN = FOLDER / "fedn-reducer-stores.conf"
SETTINGS = {"reducer": ReducerSettings, "combiner": CombinerSettings, "client": ClientSettings}

every_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: str(unit.name))


def role_of(file: Path) -> str:
    return re.split(r"[-@.]", file.name)[1]


def values(unit: Path, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", unit.read_text(), re.MULTILINE)


def installed(folder: Path, unit: Path) -> Path:
    """The unit as an operator has it, but with the program that is installed here."""
    program = f"ExecStart={Path(sys.executable).parent / 'fedn'} "
    target = folder / unit.name
    target.write_text(re.sub(r"^ExecStart=\S+ ", program, unit.read_text(), flags=re.MULTILINE))
    if role_of(unit) == "reducer":
        drop_ins = folder / f"{unit.name}.d"
        drop_ins.mkdir()
        shutil.copy(DROP_IN, drop_ins / "stores.conf")
    return target


def verified(unit: Path) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", "verify", "--man=no", str(unit).replace("@.", "@east.")]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_there_is_a_unit_for_every_role() -> None:
    assert {role_of(unit) for unit in UNITS} == set(SETTINGS)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not there (Debian: systemd)")
@every_unit
def test_systemd_finds_no_fault(unit: Path, tmp_path: Path) -> None:
    good = installed(tmp_path, unit)
    checked = verified(good)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    good.write_text(good.read_text().replace("PrivateTmp=yes", "PrivateTemp=yes"))
    assert "PrivateTemp" in verified(good).stderr  # it would say so


@every_unit
def test_a_unit_runs_a_command_that_exists(unit: Path) -> None:
    (line,) = values(unit, "ExecStart")
    program, *words = shlex.split(line)
    assert program.endswith("/bin/fedn") and words[:2] == ["run", role_of(unit)]
    command = fedn.commands["run"]
    assert isinstance(command, click.Group)
    role = command.commands[words[1]]
    given, rest, _ = role.make_parser(click.Context(role)).parse_args(words[2:])
    assert not rest
    (state,) = values(unit, "StateDirectory")
    assert given["data_dir"] == f"/var/lib/{state}"
    credentials = {name.partition(":")[0] for name in values(unit, "LoadCredential")}
    assert set(re.findall(r"%d/(\S+)", line)) == credentials


def test_the_drop_in_sets_what_the_reducer_reads() -> None:
    given = dict(value.split("=", 1) for value in values(DROP_IN, "Environment"))
    assert set(given) <= {option.env for option in options(ReducerSettings)}
    credentials = {name.partition(":")[0] for name in values(DROP_IN, "LoadCredential")}
    assert {path.removeprefix("%d/") for path in given.values()} == credentials


@every_unit
def test_a_unit_has_a_user_of_its_own_and_no_rights(unit: Path) -> None:
    assert values(unit, "User") == [f"fedn-{role_of(unit)}"]
    for key, value in {"NoNewPrivileges": "yes", "ProtectSystem": "strict", "CapabilityBoundingSet": ""}.items():
        assert values(unit, key) == [value]


@every_unit
def test_a_unit_has_the_time_to_end_in_order(unit: Path) -> None:
    (seconds,) = values(unit, "TimeoutStopSec")
    assert role_of(unit) != "combiner" or int(seconds) > DRAIN_SECONDS
