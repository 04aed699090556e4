"""What a release is made of: built from a clean copy of the tree, and installed where nothing else is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from fedn.version import __version__

ROOT = Path(__file__).parents[1]
SOURCE = ("fedn", "proto", "test/digits", "docs", "config", "setup.py", "pyproject.toml", "MANIFEST.in")
GENERATED = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info")
SERVER = {"apiflask", "cheroot", "flask", "minio", "pydantic", "pymongo"}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a clone has of the tree, as far as a build may look at it."""
    folder = tmp_path_factory.mktemp("tree")
    for name in (*SOURCE, "README.md", "LICENSE"):
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=GENERATED)
        else:
            shutil.copy(source, target)
    return folder


def build(tree: Path, folder: Path, *what: str) -> dict[str, Path]:
    """The files that a build makes, by what comes after their last dot."""
    command = [sys.executable, "-m", "build", "--outdir", folder, *what, tree]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return {path.suffix: path for path in folder.iterdir()}


@pytest.fixture(scope="module")
def built(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A source archive, and a wheel that was built from it."""
    return build(tree, tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def bare(built: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel, and with no extra."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    install = [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", built[".whl"]]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "bin"


def run(bare: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("FEDN_", "PYTHON"))}
    return subprocess.run(
        [bare / words[0], *words[1:]], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def test_the_wheel_has_all_of_the_package_and_nothing_else(built: dict[str, Path], tree: Path) -> None:
    expected = {str(path.relative_to(tree)) for path in (tree / "fedn").rglob("*") if path.is_file()}
    assert {"fedn/py.typed", "fedn/reducer/ui/templates/page.html"} < expected
    with zipfile.ZipFile(built[".whl"]) as wheel:
        packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
        assert packed == expected | {"fedn/proto/fedn.proto"}
        for name in expected:
            assert wheel.read(name) == (tree / name).read_bytes()
        assert wheel.read("fedn/proto/fedn.proto") == (tree / "proto" / "fedn.proto").read_bytes()
        licence = f"fedn-{__version__}.dist-info/licenses/LICENSE"
        assert wheel.read(licence) == (tree / "LICENSE").read_bytes()


def test_the_source_archive_has_what_a_build_needs(built: dict[str, Path]) -> None:
    with tarfile.open(built[".gz"]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"proto/fedn.proto", "pyproject.toml", "setup.py", "LICENSE", "README.md"} < names
    assert not [name for name in names if name.startswith(("test", "docs", "config"))]


def test_a_wheel_straight_from_the_tree_is_the_same(built: dict[str, Path], tree: Path, tmp_path: Path) -> None:
    again = build(tree, tmp_path, "--wheel")[".whl"]
    with zipfile.ZipFile(again) as one, zipfile.ZipFile(built[".whl"]) as other:
        assert again.name == built[".whl"].name
        assert {info.filename: info.CRC for info in one.infolist() if info.filename.startswith("fedn/")} == {
            info.filename: info.CRC for info in other.infolist() if info.filename.startswith("fedn/")
        }
        assert sorted(one.namelist()) == sorted(other.namelist())


def test_a_bare_install_has_no_server(bare: Path, tmp_path: Path) -> None:
    listed = run(bare, tmp_path, "pip", "list", "--format", "json", "--disable-pip-version-check")
    installed = {one["name"].lower() for one in json.loads(listed.stdout)}
    assert {"fedn", "grpcio", "numpy"} < installed
    assert installed.isdisjoint(SERVER)
    code = "import fedn.combiner.app, fedn.client.app, fedn.api; print(fedn.Client.__name__, fedn.__file__)"
    done = run(bare, tmp_path, "python", "-c", code)
    assert done.stdout.startswith("Client "), done.stderr
    assert str(bare.parent) in done.stdout


def test_the_commands_of_a_bare_install(bare: Path, tmp_path: Path) -> None:
    assert run(bare, tmp_path, "fedn", "--version").stdout == f"fedn {__version__}\n"
    for role in ("reducer", "combiner", "client"):
        assert "--data-dir" in run(bare, tmp_path, "fedn", "run", role, "--help").stdout
    made = run(bare, tmp_path, "fedn", "package", "create", "project", "--template", "numpy")
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "project" / "client" / "fedn.yaml").exists()


def test_a_bare_install_says_what_a_reducer_needs(bare: Path, tmp_path: Path) -> None:
    done = run(bare, tmp_path, "fedn", "run", "reducer")
    assert done.returncode != 0
    assert "a reducer needs the package" in done.stderr
    assert "pip install 'fedn[server]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("role", ["combiner", "client"])
def test_members_run_on_a_bare_install(bare: Path, tmp_path: Path, role: str) -> None:
    done = run(bare, tmp_path, "fedn", "run", role)
    assert done.returncode != 0
    assert "no reducer is known" in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_says_what_a_role_lacks_on_a_bare_install(bare: Path, tmp_path: Path) -> None:
    def server(*words: str) -> dict[str, str]:
        done = run(bare, tmp_path, "fedn", "doctor", "--json", *words)
        found: dict[str, dict[str, str]] = {one["check"]: one for one in json.loads(done.stdout)}
        assert found["dependencies"]["verdict"] == "ok"
        return found["server"]

    assert server("--role", "client")["verdict"] == "warn"
    (tmp_path / "reducer.yaml").write_text("statestore: {type: MongoDB}\nstorage: {storage_type: S3}\n")
    lacking = server("--role", "reducer", "--init", "reducer.yaml")
    assert lacking["verdict"] == "fail"
    assert {"pymongo", "minio", "flask"} <= set(lacking["message"].partition(": ")[2].split(", "))
    lacking = server("--role", "reducer")
    assert "pymongo" not in lacking["message"] and "minio" not in lacking["message"]
