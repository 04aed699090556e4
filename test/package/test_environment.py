import asyncio
import os
import socket
import sys
import zipfile
from collections.abc import Coroutine
from functools import partial
from pathlib import Path

import pytest
from waiting import within

from fedn.errors import InvalidPackage
from fedn.package import builder, environment
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


def slow_source(folder: Path) -> tuple[Path, Path]:
    """A source `./slow` of `tiny`, which builds when told to.

    Returns:
        A file with a line for each build that was begun, and a pipe: opening it to write waits until a build has begun,
        and closing it lets the build go on.
    """
    builds, pipe = folder / "builds", folder / "pipe"
    os.mkfifo(pipe)
    (folder / "slow").mkdir()
    (folder / "slow" / "pyproject.toml").write_text(
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
    )
    (folder / "slow" / "backend.py").write_text(
        "import shutil\n"
        "def build_wheel(target, settings=None, metadata=None):\n"
        f"    return shutil.copy({str(folder / wheel(folder, word='slow'))!r}, target).rpartition('/')[2]\n"
        "def prepare_metadata_for_build_wheel(target, settings=None):\n"
        f"    open({str(builds)!r}, 'a').write('begun\\n')\n"
        f"    open({str(pipe)!r}).read()\n"
        "    shutil.unpack_archive(f'{target}/{build_wheel(target)}', target, 'zip')\n"
        "    return 'tiny-1.0.dist-info'\n"
    )
    return builds, pipe


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


def making(folder: Path, *lines: str) -> "partial[Coroutine[None, None, Path]]":
    """`environment.ensure` of a package with these requirements."""
    requirements = folder / "requirements.txt"
    requirements.write_text("\n".join(lines))
    return partial(environment.ensure, requirements, code=folder, cache=folder / "cache", digest="", seconds=110)


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


async def test_pips_own_settings_hold_and_what_is_made_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel(tmp_path, word="found")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    said: list[str] = []
    make = making(tmp_path, "--prefer-binary", "tiny >= 1  # and maybe a password")
    python = await make(say=said.append)
    assert python.is_file()
    assert await make(say=said.append) == python
    assert said == ["making a Python environment for the package, which may take minutes: tiny"]


async def test_a_build_that_is_stopped_leaves_nothing_and_others_wait_for_one(tmp_path: Path) -> None:
    builds, pipe = slow_source(tmp_path)
    make = making(tmp_path, "./slow")
    stopped = asyncio.ensure_future(make())
    with await within(asyncio.to_thread(pipe.open, "w")):
        stopped.cancel()
        await within(asyncio.wait({stopped}))
        assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock"]
    waiting = asyncio.gather(make(), make(), make())
    (await within(asyncio.to_thread(pipe.open, "w"))).close()
    [python] = set(await waiting)
    assert (python.parents[1] / "complete").exists()
    assert builds.read_text() == "begun\n" * 2


async def test_requirements_that_can_not_be_installed_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_RETRIES", "1")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        index = f"--index-url http://127.0.0.1:{nobody.getsockname()[1]}"
        archive = build(project(tmp_path, f"[{index}, no-such-package]"), tmp_path / "package.tgz")
        with pytest.raises(InvalidPackage, match=r"requirements ended with exit status 1") as caught:
            await Package.prepare(archive, tmp_path / "work", cache=tmp_path / "cache")
    _, unreached, *errors = caught.value.message.splitlines()
    assert "Connection refused" in unreached
    assert errors and all(error.startswith("ERROR: ") for error in errors)
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock"]
    with pytest.raises(InvalidPackage, match=r"took longer than 0.01 s"):
        await Package.prepare(archive, tmp_path / "work", cache=tmp_path / "cache", seconds=0.01)


def test_a_python_that_can_not_make_environments_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(SystemExit, match="install python3-venv"):
        builder.build(tmp_path / "environment", tmp_path / "requirements.txt", tmp_path)
    assert not (tmp_path / "environment").exists()


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
