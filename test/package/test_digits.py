"""The example project, run as a client runs it: packed, unpacked, warm, and averaged by hand."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fedn.package.archive import build
from fedn.package.results import read_metadata, read_validation
from fedn.package.runner import Package

PROJECT = Path(__file__).parents[1] / "digits"
CLIENTS, ROUNDS = 4, 10


def mean(paths: list[Path], weights: list[int]) -> dict[str, npt.NDArray[np.float32]]:
    models = [np.load(path) for path in paths]
    try:
        return {
            name: np.average([model[name] for model in models], axis=0, weights=weights).astype(np.float32)
            for name in models[0].files
        }
    finally:
        for model in models:
            model.close()


async def test_federated_averaging_reads_more_than_97_percent_of_the_digits(tmp_path: Path) -> None:
    archive = build(PROJECT, tmp_path / "package.tgz")
    operator = await Package.prepare(archive, tmp_path / "operator", cache=tmp_path / "cache")
    folders = await operator.partition(tmp_path / "data", CLIENTS)
    await operator.seed(tmp_path / "model")
    clients = [
        await Package.prepare(archive, tmp_path / f"work{number}", cache=tmp_path / "cache", data=folder)
        for number, folder in enumerate(folders)
    ]
    outs = [tmp_path / f"out{number}" for number in range(CLIENTS)]
    (tmp_path / "parameters").write_text(json.dumps({"epochs": 5}))
    for number in range(1, ROUNDS + 1):
        environ = {"FEDN_ROUND": str(number), "FEDN_PARAMETERS": str(tmp_path / "parameters")}
        for client, out in zip(clients, outs, strict=True):
            await client.run("train", tmp_path / "model", out, environ=environ)
        examples = [read_metadata(out).examples or 0 for out in outs]
        average = mean(outs, examples)
        with (tmp_path / "model").open("wb") as file:
            np.savez(file, allow_pickle=False, **average)
    for client, out in zip(clients, outs, strict=True):
        await client.run("validate", tmp_path / "model", out)
    accuracy = np.average(
        [read_validation(out)["accuracy"] for out in outs], weights=[read_metadata(out).examples or 0 for out in outs]
    )
    await clients[0].run("predict", tmp_path / "model", outs[0])
    for client in clients:
        await client.close()
    assert accuracy > 0.97
    assert len(set(examples)) > 1
    assert set(read_validation(outs[0])["digits"]) <= set(range(10))


async def test_the_same_seed_gives_the_same_federation(tmp_path: Path) -> None:
    package = await Package.prepare(build(PROJECT, tmp_path / "p.tgz"), tmp_path / "work", cache=tmp_path / "cache")
    seeds = [tmp_path / name for name in ("a", "b", "c")]
    for path, seed in zip(seeds, ("1", "1", "2"), strict=True):
        await package.seed(path, environ={"FEDN_SEED": seed})
    assert seeds[0].read_bytes() == seeds[1].read_bytes() != seeds[2].read_bytes()
