from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fedn.errors import Conflict
from fedn.package.archive import build, check
from fedn.package.create import create, templates
from fedn.package.runner import Package


@pytest.mark.parametrize("name", templates())
async def test_a_template_is_a_package_that_works(name: str, tmp_path: Path) -> None:
    files = await asyncio.to_thread(create, tmp_path / "new" / "project", template_name=name)
    assert {file.name for file in files} >= {"README.md", "fedn.yaml"}
    archive = build(tmp_path / "new" / "project", tmp_path / "package.tgz")
    assert {"train", "validate", "seed", "partition"} <= check(archive).entry_points.keys()
    making = await Package.prepare(archive, tmp_path / "making", cache=tmp_path)
    await making.seed(tmp_path / "seed")
    data = await making.partition(tmp_path / "data", 2)
    package = await Package.prepare(archive, tmp_path / "work", cache=tmp_path, data=data[1])
    try:
        await package.run("train", tmp_path / "seed", tmp_path / "update")
        await package.run("validate", tmp_path / "update", tmp_path / "validation")
    finally:
        await package.close()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    create(tmp_path, template_name="numpy")
    with pytest.raises(Conflict, match="is there already"):
        create(tmp_path, template_name="numpy")
