"""Clients of 2021 are named where an operator looks."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from legacy.network import Network
from loopback import Federation

from fedn.cli.main import main

PACKAGE = {
    "fedn.yaml": "entry_points: {train: {command: python3 train.py}}",
    "train.py": "import shutil, sys; shutil.copyfile(*sys.argv[1:])",
}


class Shell:
    """Runs command lines in this process, beside the loop that the network is in."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._where = ("--data-dir", str(folder))
        self._capsys = capsys

    async def __call__(self, *words: str) -> str:
        self._capsys.readouterr()
        assert await asyncio.to_thread(main, [*words, *self._where]) == 0
        return self._capsys.readouterr().out

    async def doctor(self) -> dict[str, Any] | None:
        """What the doctor finds of clients of 2021."""
        findings = json.loads(await self("doctor", "--json"))
        return next((one for one in findings if one["check"] == "legacy clients"), None)


async def test_those_that_are_let_in_and_those_that_are_there(
    network: Network, capsys: pytest.CaptureFixture[str]
) -> None:
    fedn = Shell(network.folder, capsys)
    await network.upload(PACKAGE)
    await network.combiner("shut", "--legacy-clients", "false")
    found = await fedn.doctor()
    assert found is not None
    assert found["message"] == "the reducer lets in clients of 2021, and no combiner does"
    await network.combiner("c0")
    found = await fedn.doctor()
    assert found is not None
    assert found["verdict"] == "warn"
    assert "let in at c0" in found["message"]
    assert "0 are connected" in found["message"]
    assert "legacy_clients" in found["hint"]
    await network.old("ada")
    await network.add_client("ben")
    found = await fedn.doctor()
    assert found is not None
    assert found["message"].endswith("1 are connected: ada (c0)")
    shown = await fedn("network", "show")
    assert "clients of 2021, which give no token, are let in at c0\n" in shown
    versions = {words[0]: words for line in shown.splitlines() if (words := line.split())}
    assert "2021" in versions["ada"]
    assert "2021" not in versions["ben"]


async def test_a_combiner_alone_that_would_let_them_in_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Federation(tmp_path, combiner={"legacy_clients": True}) as network:
        found = await Shell(network.folder, capsys).doctor()
        assert found is not None
        assert found["message"] == "c0 would let in clients of 2021, and the reducer does not"


async def test_nothing_is_said_where_nobody_is_let_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with Federation(tmp_path) as network:
        fedn = Shell(network.folder, capsys)
        assert await fedn.doctor() is None
        assert "2021" not in await fedn("network", "show")
