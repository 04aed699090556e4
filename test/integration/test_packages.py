"""Rounds with a compute package whose entry points go wrong: real commands, run as processes by a real client."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from loopback import Federation

from fedn.client.app import run_client
from fedn.client.packages import PackageWork
from fedn.client.sources import RemoteSource
from fedn.package.archive import build

TASKS = """
    import json, os, sys, time
    import numpy as np

    source, target = sys.argv[1:]
    with open(os.environ["FEDN_PARAMETERS"]) as file:
        fault = json.load(file).get("fault")
    model = dict(np.load(source))
    if os.environ["FEDN_TASK"] == "validate":
        content = "accuracy: 1" if fault == "no JSON" else "[0.5]" if fault == "no object" else '{"accuracy": 0.5}'
        with open(target, "w") as file:
            file.write(content)
    elif fault == "exits":
        sys.exit("there is no data")
    elif fault == "hangs":
        time.sleep(600)
    elif fault == "is killed":
        os.kill(os.getpid(), 9)
    elif fault == "text":
        with open(target, "w") as file:
            file.write("a model")
    elif fault != "nothing":
        if fault == "NaN":
            model["a"] = model["a"] * np.nan
        elif fault == "shape":
            model["a"] = np.zeros(4, np.float32)
        elif fault == "dtype":
            model["a"] = model["a"].astype(np.int64)
        elif fault == "missing":
            model = {"b": model["a"]}
        np.savez(target, **model)
        if fault == "no examples":
            with open(target + "-metadata", "w") as file:
                json.dump({"num_examples": 0}, file)
"""

FAULTS = {
    "exits": "train (`python3 tasks.py`) ended with exit status 1: there is no data",
    "hangs": "the round's time was over",
    "is killed": "train (`python3 tasks.py`) was ended by SIGKILL",
    "nothing": "train ended well, but wrote nothing to its OUT",
    "text": "",
    "NaN": "array 'a' has values that are not finite",
    "shape": "array 'a' has shape (4,), the model's has (3,)",
    "dtype": "array 'a' holds int64, the model's holds float32",
    "missing": "array 'a' is missing",
    "no examples": "num_examples in OUT-metadata is 0",
}


def write_archive(folder: Path) -> Path:
    code = folder / "client"
    code.mkdir(parents=True)
    entry_points = "{train: {command: python3 tasks.py}, validate: {command: python3 tasks.py}}"
    (code / "fedn.yaml").write_text(f"entry_points: {entry_points}\n")
    (code / "tasks.py").write_text(textwrap.dedent(TASKS))
    return build(folder, folder / "package.tgz")


@asynccontextmanager
async def package_client(network: Federation, name: str) -> AsyncIterator[None]:
    http = await network.http("client")
    work = PackageWork(
        RemoteSource(http, cache=network.folder / "packages"),
        client=name,
        folder=network.folder / "client" / name,
        environments=network.folder / "environments",
        data=None,
        task_seconds=60.0,
    )
    task = asyncio.create_task(run_client(http, work=work, name=name))
    try:
        await network.until(lambda: name in network.live())
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        http.close()


async def test_each_fault_of_a_package_is_named_and_leaves_the_trail(tmp_path: Path) -> None:
    archive = await asyncio.to_thread(write_archive, tmp_path / "project")
    async with Federation(tmp_path / "data") as network:
        await asyncio.to_thread(network.operator.upload_package, archive)
        await network.seed({"a": np.zeros(3, np.float32)})
        before = await network.trail()
        async with package_client(network, "ada"):
            for fault, reason in FAULTS.items():
                session = await network.session(
                    attempts=1, parameters={"fault": fault}, round_timeout=1.5 if fault == "hangs" else 20.0
                )
                assert session.state == "failed", fault
                assert f"client ada: {reason}" in session.error
                assert await network.trail() == before
            session = await network.session()
            assert session.state == "finished", session.error
            assert (await network.trail())[-1].metrics == {"accuracy": 0.5}


@pytest.mark.parametrize("fault", ["no JSON", "no object"])
async def test_a_validation_that_is_no_json_object_is_left_out_and_said(tmp_path: Path, fault: str) -> None:
    archive = await asyncio.to_thread(write_archive, tmp_path / "project")
    async with Federation(tmp_path / "data") as network:
        await asyncio.to_thread(network.operator.upload_package, archive)
        await network.seed({"a": np.zeros(3, np.float32)})
        async with package_client(network, "ada"):
            session = await network.session(parameters={"fault": fault})
            assert (session.state, session.rounds_done) == ("finished", 1)
            assert (await network.trail())[-1].metrics == {}
            (validation, _) = await asyncio.to_thread(network.operator.rounds, session.id)
            detail = await asyncio.to_thread(network.web.get, f"/api/v1/rounds/{validation.id}")
            assert detail["clients"][0]["state"] == "broken"
            assert "JSON" in detail["clients"][0]["detail"]
