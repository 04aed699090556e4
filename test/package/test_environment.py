import asyncio
import sys
import zipfile
from pathlib import Path

import pytest

from fedn.errors import InvalidPackage
from fedn.package import environment
from fedn.package.archive import build
from fedn.package.runner import Package


def wheel(folder: Path, *, word: str) -> str:
    """A package `tiny` as pip installs it without a network; returns its file name."""
    name = "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(folder / name, "w") as file:
        file.writestr("tiny.py", f"WORD = {word!r}\n")
        file.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        file.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("tiny-1.0.dist-info/RECORD", "")
    return name


def project(folder: Path, requirements: str) -> Path:
    code = folder / "project" / "client"
    code.mkdir(parents=True)
    (code / "fedn.yaml").write_text(
        "entry_points: {train: {command: python3 train.py, warm: true}}\n"
        f"python: {{requirements: {requirements}}}\n"
    )
    (code / "train.py").write_text(
        "import sys, fedn, tiny\n"
        "def train(source, target):\n"
        "    open(target, 'w').write(tiny.WORD + ' ' + sys.prefix)\n"
        "fedn.serve(train=train)\n"
    )
    return folder / "project"


async def test_requirements_get_an_environment_that_is_shared(tmp_path: Path) -> None:
    source = project(tmp_path, "requirements.txt")
    name = wheel(source / "client", word="installed")
    (source / "client" / "requirements.txt").write_text(f"# what it needs\n./{name}\n")
    archive = build(source, tmp_path / "package.tgz")
    works = [tmp_path / "one", tmp_path / "two"]
    packages = await asyncio.gather(*(Package.prepare(archive, work, cache=tmp_path / "cache") for work in works))
    packages.append(await Package.prepare(archive, tmp_path / "three", cache=tmp_path / "cache"))
    (tmp_path / "in").write_text("model")
    for package in packages:
        await package.run("train", tmp_path / "in", tmp_path / "out")
        await package.close()
        word, prefix = (tmp_path / "out").read_text().split()
        assert (word, Path(prefix).parent) == ("installed", tmp_path / "cache")
    assert [path.is_dir() for path in sorted((tmp_path / "cache").iterdir())] == [True, False]


async def test_requirements_that_can_not_be_installed_are_said(tmp_path: Path) -> None:
    source = project(tmp_path, "[./no-such-file.whl]")
    archive = build(source, tmp_path / "package.tgz")
    with pytest.raises(InvalidPackage, match=r"installing the package's Python requirements ended.*no-such-file.whl"):
        await Package.prepare(archive, tmp_path / "work", cache=tmp_path / "cache")
    (source / "client" / "no-such-file.whl").write_bytes(b"")
    with pytest.raises(InvalidPackage, match=r"took longer than 0.01 s"):
        await Package.prepare(build(source, archive), tmp_path / "work", cache=tmp_path / "other cache", seconds=0.01)


async def test_what_decides_whether_an_environment_is_shared(tmp_path: Path) -> None:
    def made(lines: str, digest: str) -> Path:
        """Where the environment is: one that is whole is not made again."""
        (tmp_path / "requirements.txt").write_text(lines)
        return environment.place(tmp_path / "requirements.txt", cache=tmp_path, digest=digest)

    assert made("numpy\nscipy\n", "a") == made("# comment\nscipy\n\nnumpy\n", "b")
    assert made("numpy\nscipy\n", "a") != made("numpy\n", "a")
    assert made("./vendored\n", "a") != made("./vendored\n", "b")
    assert made("-r more.txt\n", "a") != made("-r more.txt\n", "b")
    assert environment.own_python() == Path(sys.executable)
