"""Whole federations, each role its own process."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
from waiting import DEADLINE

from fedn.errors import ConfigError, Conflict
from fedn.package.create import create, template
from fedn.sandbox import folder
from fedn.stores.lease import Lease

DIGITS = Path(__file__).parent / "digits"
SMALL = ("--package", str(template("numpy")), "--clients", "2", "--combiners", "1")
KEYS = ["rounds", "clients", "combiners", "accuracy", "seconds", "seconds_per_round", "model_id", "url"]


def command(data_dir: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "fedn", "sandbox", "--port", "0", "--data-dir", str(data_dir), *words]


def run(data_dir: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(data_dir, *words), capture_output=True, text=True, check=False, timeout=DEADLINE)


def create_project(folder: Path, template_name: str) -> Path:
    create(folder / "project", template_name=template_name)
    return folder / "project"


def processes(data_dir: Path) -> list[psutil.Process]:
    """Those that work for the federation in this folder: roles by their words, entry points by where they run."""
    found = []
    for process in psutil.process_iter():
        try:
            inside = str(data_dir) in (*process.cmdline(), process.cwd()[: len(str(data_dir))])
        except psutil.Error:
            continue  # gone, or another user's
        if inside and process.status() != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


@contextmanager
def training(data_dir: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A sandbox in the middle of a long training."""
    words = (*SMALL, "--rounds", "100000", "--json", *words)
    process = subprocess.Popen(command(data_dir, *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("round 2"):
                break
        yield process
    finally:
        process.kill()
        process.communicate()


def test_digits_are_learned_and_training_goes_on(tmp_path: Path) -> None:
    first = run(tmp_path, "--package", str(DIGITS), "--exit", "--json", "--rounds", "3", "-P", "epochs=5")
    assert first.returncode == 0, first.stderr
    result = json.loads(first.stdout.splitlines()[-1])
    assert list(result) == KEYS
    assert (result["rounds"], result["clients"], result["combiners"]) == (3, 4, 2)
    assert result["accuracy"] >= 0.9
    assert result["url"].startswith("https://localhost:")
    assert processes(tmp_path) == []
    with np.load(tmp_path / "sandbox" / f"model-{result['model_id']}.npz") as model:
        assert model["output/bias"].shape == (10,)

    second = run(tmp_path, "--package", str(DIGITS), "--exit", "--rounds", "7")
    assert second.returncode == 0, second.stderr
    assert f"going on from model {result['model_id']}" in second.stdout
    *_, accuracy = (line for line in second.stdout.splitlines() if line.startswith("accuracy "))
    assert float(accuracy.split()[1]) >= 0.95
    assert "UI         https://localhost:" in second.stdout
    assert processes(tmp_path) == []


def test_a_sandbox_that_is_killed_leaves_nothing_and_goes_on(tmp_path: Path) -> None:
    with training(tmp_path) as sandbox:
        left = processes(tmp_path)
        sandbox.send_signal(signal.SIGKILL)
        sandbox.wait()
        gone, alive = psutil.wait_procs(left, timeout=DEADLINE)
        assert len(gone) >= 5
        assert [process.cmdline() for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
    again = run(tmp_path, *SMALL, "--exit", "--rounds", "1")
    assert again.returncode == 0, again.stderr
    assert "going on from model" in again.stdout
    other = run(tmp_path, "--package", str(DIGITS), "--exit")
    assert (other.returncode, "another compute package" in other.stderr) == (7, True)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_training_and_all_processes(number: signal.Signals, status: int, tmp_path: Path) -> None:
    with training(tmp_path, "--fresh", "--seed", "7") as sandbox:
        sandbox.send_signal(number)
        assert sandbox.wait(DEADLINE) == status
        assert processes(tmp_path) == []


def test_a_package_that_fails_is_a_failure_with_its_reason(tmp_path: Path) -> None:
    (create_project(tmp_path, "numpy") / "client" / "tasks.py").write_text("raise SystemExit('no such luck')\n")
    words = ("--package", str(tmp_path / "project"), "--clients", "1", "--combiners", "1", "--json")
    ran = run(tmp_path / "data", *words)
    assert ran.returncode == 14
    assert "no such luck" in json.loads(ran.stdout.splitlines()[-1])["error"]["message"]
    assert processes(tmp_path) == []


def test_a_reducer_that_goes_down_in_training_is_what_is_said(tmp_path: Path) -> None:
    with training(tmp_path) as sandbox:
        (reducer,) = (one for one in processes(tmp_path) if "reducer" in one.cmdline())
        reducer.kill()
        out, _ = sandbox.communicate(timeout=DEADLINE)
    assert sandbox.returncode == 14
    assert "reducer ended (exit status -9)" in json.loads(out.splitlines()[-1])["error"]["message"]


def test_what_a_client_printed_before_it_failed_is_shown(tmp_path: Path) -> None:
    tasks = create_project(tmp_path, "numpy") / "client" / "tasks.py"
    tasks.write_text(
        tasks.read_text().replace("    for _ in range(STEPS):", "    import no_such_library\n    for _ in ():")
    )
    words = ("--package", str(tmp_path / "project"), "--clients", "1", "--combiners", "1")
    ran = run(tmp_path / "data", *words, "--exit")
    assert ran.returncode == 14
    assert (
        "client client-1 in round 1: train failed: ModuleNotFoundError: No module named 'no_such_library'" in ran.stderr
    )
    assert '/tasks.py", line ' in ran.stderr
    assert "import no_such_library" in (tmp_path / "data" / "log" / "client-1.log").read_text()


def test_a_round_takes_no_longer_than_it_may(tmp_path: Path) -> None:
    tasks = create_project(tmp_path, "numpy") / "client" / "tasks.py"
    tasks.write_text(tasks.read_text().replace("    for _ in range(STEPS):", "    while True:"))
    words = ("--package", str(tmp_path / "project"), "--clients", "1", "--combiners", "1", "--json")
    ran = run(tmp_path / "data", *words, "--round-timeout", "0.5")
    assert ran.returncode == 14
    assert "the round's time was over" in json.loads(ran.stdout.splitlines()[-1])["error"]["message"]
    assert processes(tmp_path) == []


def test_a_package_without_accuracy_says_what_it_measures(tmp_path: Path) -> None:
    tasks = create_project(tmp_path, "numpy") / "client" / "tasks.py"
    tasks.write_text(tasks.read_text().replace('"accuracy"', '"share"'))
    seed = tmp_path / "seed.npz"
    np.savez(seed, weights=np.ones(10, np.float32), bias=np.zeros(1, np.float32))
    words = ("--package", str(tmp_path / "project"), "--clients", "1", "--combiners", "1", "--json")
    ran = run(tmp_path / "data", *words, "--rounds", "1", "--seed", str(seed))
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout.splitlines()[-1])["accuracy"] is None
    assert re.search(r"^loss=\S+ share=\S+ after 1 rounds", ran.stderr, re.MULTILINE)


def test_clients_train_on_data_that_is_given(tmp_path: Path) -> None:
    tasks = create_project(tmp_path, "numpy") / "client" / "tasks.py"
    tasks.write_text(tasks.read_text().replace('"accuracy": ', '"examples": len(labels), "accuracy": '))
    for number, count in enumerate((30, 50)):
        folder = tmp_path / "parts" / str(number)
        folder.mkdir(parents=True)
        points, labels = np.ones((count, 10), np.float32), np.ones(count, np.float32)
        np.savez(
            folder / "points.npz", train_points=points, train_labels=labels, test_points=points, test_labels=labels
        )
    words = ("--package", str(tmp_path / "project"), "--data", str(tmp_path / "parts"), "--combiners", "1", "--json")
    ran = run(tmp_path / "data", *words, "--rounds", "1", "--clients", "2")
    assert ran.returncode == 0, ran.stderr
    assert f"examples={(30 * 30 + 50 * 50) / 80:g}" in ran.stderr
    ran = run(tmp_path / "data", *words, "--clients", "3")
    assert ran.returncode == 3
    assert f"there is no data folder {tmp_path / 'parts' / '2'} for one of 3 clients" in ran.stdout


def test_a_role_that_does_not_start_is_said(tmp_path: Path) -> None:
    with Lease(tmp_path / "data" / "reducer"):
        ran = run(tmp_path / "data", *SMALL)
    assert ran.returncode == 14
    assert "error: reducer ended (exit status 7)" in ran.stderr
    assert "is in use by process" in ran.stderr


def test_only_a_data_folder_is_emptied(tmp_path: Path) -> None:
    folder.empty(tmp_path / "none")
    (tmp_path / "reducer" / "artifacts").mkdir(parents=True)
    (tmp_path / "cache" / "environments").mkdir(parents=True)
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ConfigError, match=r"thesis\.tex"):
        folder.empty(tmp_path)
    (tmp_path / "thesis.tex").unlink()
    with Lease(tmp_path / "reducer"), pytest.raises(Conflict, match="in use"):
        folder.empty(tmp_path)
    assert (tmp_path / "reducer" / "artifacts").exists()
    folder.empty(tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / "cache"]
