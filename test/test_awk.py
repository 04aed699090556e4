"""The example project in shell and awk: what it computes, and what a federation of it finds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from waiting import DEADLINE

from fedn.errors import EntryPointFailed
from fedn.package import archive
from fedn.package.results import read_metadata, read_validation
from fedn.package.runner import Package

PROJECT = Path(__file__).parent / "awk-regression"
TRUTH = [4, 3, -2, 0.5]


@pytest.fixture
async def package(tmp_path: Path) -> Package:
    """The project as a client has it whose data are in `tmp_path/data/0`."""
    packed = archive.build(PROJECT, tmp_path / "package.tgz")
    data = tmp_path / "data" / "0"
    made = await Package.prepare(packed, tmp_path / "work", cache=tmp_path / "cache", data=data)
    await made.partition(tmp_path / "data", 2)
    await made.seed(tmp_path / "seed")
    return made


def rows(file: Path) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Inputs, with a column of ones before them, and targets."""
    table = np.loadtxt(file, delimiter=",", skiprows=1)
    return np.column_stack([np.ones(len(table)), table[:, :-1]]), table[:, -1]


def test_there_is_no_python_in_it() -> None:
    files = list((PROJECT / "client").iterdir())
    assert {file.suffix for file in files} == {".awk", ".sh", ".yaml"}
    assert not any("python" in file.read_text() for file in files)


async def test_it_computes_what_numpy_does(package: Package, tmp_path: Path) -> None:
    inputs, targets = rows(tmp_path / "data" / "0" / "train.csv")
    expected = np.zeros(4)
    for _ in range(20):
        expected -= 0.1 * inputs.T @ (inputs @ expected - targets) / len(targets)

    parameters = tmp_path / "parameters.json"
    parameters.write_text(json.dumps({"steps": 20, "rate": 1e-1, "other": "steps"}))
    out = tmp_path / "out"
    await package.run("train", tmp_path / "seed", out, environ={"FEDN_PARAMETERS": str(parameters)})
    np.testing.assert_allclose(np.loadtxt(out), expected, rtol=1e-13)
    metadata = read_metadata(out)
    assert metadata.examples == len(targets) == 100
    assert metadata.metrics["loss"] == pytest.approx(np.mean((inputs @ expected - targets) ** 2), rel=1e-12)

    inputs, targets = rows(tmp_path / "data" / "0" / "validate.csv")
    await package.run("validate", out, tmp_path / "validation")
    loss = np.mean((inputs @ expected - targets) ** 2)
    expected_metrics = {"loss": loss, "r2": 1 - loss / np.var(targets)}
    assert read_validation(tmp_path / "validation") == pytest.approx(expected_metrics, rel=1e-12)
    assert read_metadata(tmp_path / "validation").examples == len(targets) == 50


async def test_rows_that_do_not_fit_the_model_are_said(package: Package, tmp_path: Path) -> None:
    (tmp_path / "seed").write_text("0\n0\n")
    with pytest.raises(EntryPointFailed) as failed:
        await package.run("train", tmp_path / "seed", tmp_path / "out")
    assert "train.csv:2 has 4 numbers, the model 2" in failed.value.output


async def test_a_client_alone_does_not_find_it_all(package: Package, tmp_path: Path) -> None:
    out = tmp_path / "out"
    await package.run("train", tmp_path / "seed", out)
    np.testing.assert_allclose(np.loadtxt(out), [4, 0, -2, 0.5], atol=0.05)  # 3 is missing


def test_clients_together_find_the_truth(tmp_path: Path) -> None:
    words = ("--clients", "2", "--combiners", "1", "--rounds", "8", "--port", "0", "--data-dir", str(tmp_path))
    command = [sys.executable, "-m", "fedn", "sandbox", "--package", str(PROJECT), *words, "--exit", "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=DEADLINE)
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout.splitlines()[-1])
    model = np.loadtxt(tmp_path / "sandbox" / f"model-{result['model_id']}.txt")
    np.testing.assert_allclose(model, TRUTH, atol=0.05)
