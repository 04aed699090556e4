from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fedn.cli.run import run
from fedn.config import ClientSettings, CombinerSettings, ReducerSettings

FLAGS_2021 = {
    "client": "-d --discoverhost -p --discoverport -t --token -n --name -i --client_id -r --remote -u --dry-run "
    "-s --secure -pc --preshared-cert -v --verify-cert -c --preferred-combiner -in --init -l --logfile",
    "combiner": "-d --discoverhost -p --discoverport -t --token -n --name -h --hostname -i --port -s --secure "
    "-c --max_clients -in --init",
    "reducer": "-d --discoverhost -p --discoverport -t --token -n --name -i --init",
}


@contextmanager
def started(*words: object, **options: object) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "fedn", "run", *map(str, words)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return process.stderr.readline()


@pytest.mark.parametrize("role", FLAGS_2021)
def test_the_flags_of_2021_are_there(role: str) -> None:
    known = {name for option in run.commands[role].params for name in option.opts}
    assert set(FLAGS_2021[role].split()) <= known


@pytest.mark.parametrize("kind", [ReducerSettings, CombinerSettings, ClientSettings])
def test_every_flag_leads_to_a_setting(fedn, kind: type, tmp_path: Path) -> None:
    """All flags at once, with values that only the last check of the settings file refuses."""
    role = kind.__name__.removesuffix("Settings").lower()
    words: list[str] = []
    for option in run.commands[role].params:
        if option.name not in ("init", "parent_pipe", "token_file", "join_file"):
            choices = (option.metavar or "").strip("[]").split("|")
            words += [option.opts[0], choices[0] if len(choices) > 1 else "7"]
    bad = tmp_path / "bad.yaml"
    bad.write_text("nonsense: 1\n")
    ran = fedn("run", role, *words, "--init", bad)
    assert (ran.status, "there is no setting nonsense" in ran.err) == (3, True), ran.err


def test_a_reducer_needs_no_settings_and_ends_in_order(tmp_path: Path) -> None:
    with started("reducer", "-p", 0, "--log-format", "json", cwd=tmp_path) as process:
        line = json.loads(first_line(process))
        assert "listens on 0.0.0.0:" in line["message"]
        assert (tmp_path / "fedn-data" / "join" / "client").stat().st_mode & 0o777 == 0o600
        process.terminate()
        assert process.wait(20) == 0


def test_a_settings_file_overrides_flags(tmp_path: Path) -> None:
    file = tmp_path / "reducer.yaml"
    file.write_text("port: 0\nhost: 127.0.0.1\nlog_format: json\n")
    with started("reducer", "-i", file, "-p", 1, "--data-dir", tmp_path / "data") as process:
        assert "listens on 127.0.0.1:" in json.loads(first_line(process))["message"]


def test_a_port_in_use_is_said(fedn, tmp_path: Path) -> None:
    with started("reducer", "--host", "127.0.0.1", "--port", 0, "--data-dir", tmp_path / "one") as process:
        port = first_line(process).rpartition(":")[2].strip()
        ran = fedn("run", "reducer", "--host", "127.0.0.1", "--port", port, "--data-dir", tmp_path / "two")
        assert ran.status == 3
        assert f"port {port} on 127.0.0.1 is in use" in ran.err
        ran = fedn("run", "reducer", "--host", "127.0.0.1", "--port", 0, "--data-dir", tmp_path / "one")
        assert (ran.status, "is in use by process" in ran.err) == (7, True)


@pytest.mark.parametrize("role", ["combiner", "client"])
def test_members_say_what_they_lack(fedn, role: str, tmp_path: Path) -> None:
    ran = fedn("run", role, "--data-dir", tmp_path)
    assert (ran.status, "no reducer is known" in ran.err) == (3, True)
    ran = fedn("run", role, "--data-dir", tmp_path, "--join", "fedn://x")
    assert (ran.status, "join string" in ran.err) == (3, True)


def test_a_role_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    words = ("reducer", "--port", 0, "--data-dir", tmp_path, "--parent-pipe", reading)
    with started(*words, pass_fds=[reading]) as process:
        first_line(process)
        os.close(reading)
        os.close(writing)
        assert process.wait(20) == 0


def test_ctrl_c_ends_a_client_in_order(network, tmp_path: Path) -> None:
    join = (network.data_dir / "join" / "client").read_text().strip()
    with started("client", "--join", join, "--data-dir", tmp_path, "--name", "brief") as process:
        while "is connected to" not in first_line(process):
            pass
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_a_name_in_use_ends_a_client(network, tmp_path: Path) -> None:
    join = (network.data_dir / "join" / "client").read_text().strip()
    words = ("client", "--join", join, "--data-dir", tmp_path, "--name", "twin")
    with started(*words) as first:
        while "is connected to" not in first_line(first):
            pass
        with started(*words) as second:
            assert second.wait(30) == 7
            assert "error: a client named 'twin' is connected already" in second.stderr.read()
