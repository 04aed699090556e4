from __future__ import annotations

import ast
import asyncio
import sys
from pathlib import Path

import pytest

from fedn.errors import Conflict, InvalidInput
from fedn.package.archive import build, check
from fedn.package.create import create, template, templates
from fedn.package.runner import Package


def test_there_are_templates_for_these() -> None:
    assert templates() == ["keras", "numpy", "pytorch", "sklearn"]
    with pytest.raises(InvalidInput, match=r"no template 'torch' \(known: keras, numpy, pytorch, sklearn\)"):
        template("torch")


@pytest.mark.parametrize("name", templates())
def test_a_project_is_its_template(name: str, tmp_path: Path) -> None:
    files = create(tmp_path / "new" / "project", template_name=name)
    assert {file.name for file in files} >= {"README.md", "fedn.yaml"}
    assert sorted(path for path in (tmp_path / "new").rglob("*") if path.is_file()) == files
    for file in files:
        assert file.read_bytes() == (template(name) / file.relative_to(tmp_path / "new" / "project")).read_bytes()
    manifest = check(build(tmp_path / "new" / "project", tmp_path / "package.tgz"))
    assert {"train", "validate", "seed", "partition"} <= manifest.entry_points.keys()


@pytest.mark.parametrize("name", templates())
def test_a_template_requires_what_it_imports(name: str, tmp_path: Path) -> None:
    sources = list((template(name) / "client").glob("*.py"))
    trees = [node for source in sources for node in ast.walk(ast.parse(source.read_text()))]
    named = {alias.name for node in trees if isinstance(node, ast.Import) for alias in node.names}
    named |= {node.module or "" for node in trees if isinstance(node, ast.ImportFrom)}
    imported = {module.partition(".")[0] for module in named} - sys.stdlib_module_names - {"fedn"}
    imported -= {source.stem for source in sources}
    required = {line.partition("==")[0] for line in check(build(template(name), tmp_path / "p.tgz")).requirements}
    wanted = {"sklearn": "scikit-learn"}
    assert {wanted.get(module, module) for module in imported} <= (required or {"numpy"})


async def test_a_project_runs(tmp_path: Path) -> None:
    await asyncio.to_thread(create, tmp_path / "project", template_name="numpy")
    archive = build(tmp_path / "project", tmp_path / "package.tgz")
    making = await Package.prepare(archive, tmp_path / "making", cache=tmp_path)
    await making.seed(tmp_path / "seed")
    data = await making.partition(tmp_path / "data", 2)
    package = await Package.prepare(archive, tmp_path / "work", cache=tmp_path, data=data[1])
    try:
        await package.run("train", tmp_path / "seed", tmp_path / "update")
        await package.run("validate", tmp_path / "update", tmp_path / "validation")
    finally:
        await package.close()


@pytest.mark.parametrize("name", ["client", "README.md"])
def test_nothing_is_overwritten(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    with pytest.raises(Conflict, match=f"{name} is there already"):
        create(tmp_path, template_name="numpy")
    assert list(tmp_path.iterdir()) == [tmp_path / name]


def test_a_folder_that_can_not_be_written_to_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match=r"file/project can't be written to: Not a directory"):
        create(tmp_path / "file" / "project", template_name="numpy")
