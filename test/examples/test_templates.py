"""Every template as it comes, by the commands that its README names, and what its README says of parameters."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sandboxes import Depot, run_sandbox

from fedn.package.archive import build
from fedn.package.create import template, templates
from fedn.package.runner import Package

# The first test that needs a framework makes its environment.


@pytest.mark.parametrize("name", templates())
def test_a_template_trains_as_it_comes(name: str, tmp_path: Path, depot: Depot) -> None:
    project = tmp_path / "my-project"
    command = (sys.executable, "-m", "fedn", "package", "create", str(project), "--template", name)
    created = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert str(project / "client" / "fedn.yaml") in created.stdout.splitlines()
    words = ("--clients", "2", "--combiners", "1", "--rounds", "6")
    ran = run_sandbox(project, *words, data_dir=tmp_path / "data", depot=depot)
    assert (ran.result["rounds"], ran.result["clients"]) == (6, 2)
    assert ran.result["accuracy"] >= 0.85, "a straight line has less than 0.5 of the spiral's arms right"
    assert ran.metrics[-1]["loss"] < ran.metrics[0]["loss"]


@pytest.mark.parametrize("name", ["keras", "pytorch", "sklearn"])
async def test_parameters_count_and_a_round_can_be_repeated(name: str, tmp_path: Path, depot: Depot) -> None:
    archive = await asyncio.to_thread(build, template(name), tmp_path / "package.tgz")
    making = await Package.prepare(archive, tmp_path / "making", cache=depot.environments)
    [data] = await making.partition(tmp_path / "data", 1)
    await making.seed(tmp_path / "seed.npz")
    package = await Package.prepare(archive, tmp_path / "work", cache=depot.environments, data=data)

    async def change(**parameters: float) -> float:
        """How far training moves the model, in the number that it moves most."""
        (tmp_path / "parameters.json").write_text(json.dumps(parameters))
        environ = {"FEDN_PARAMETERS": str(tmp_path / "parameters.json"), "FEDN_ROUND": "3"}
        await package.run("train", tmp_path / "seed.npz", tmp_path / "update.npz", environ=environ)
        seed, update = _weights(tmp_path / "seed.npz"), _weights(tmp_path / "update.npz")
        return max(float(np.abs(update[key] - seed[key]).max()) for key in seed)

    try:
        assert await change(epochs=0) == 0
        assert 0 < await change(learning_rate=1e-7) < 1e-3
        moved = await change()
        assert await change(epochs=1) < moved
        assert await change() == moved > 1e-2
    finally:
        await package.close()


def _weights(path: Path) -> dict[str, Any]:
    """All of a model but the count of steps that scikit-learn adds."""
    with np.load(path) as file:
        return {name: file[name] for name in file if name != "t_"}
