"""Work with a compute package that a real reducer holds."""

from __future__ import annotations

import asyncio
import json
import textwrap
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from loopback import Federation, plus_one

from fedn.client.packages import SMALL, PackageWork
from fedn.client.sources import RemoteSource
from fedn.client.work import Job
from fedn.core import weights as w
from fedn.core.model import File, TaskKind
from fedn.errors import EntryPointFailed, InvalidPackage, NotReady
from fedn.package.archive import build
from fedn.security.digest import md5_file
from fedn.stores.documents import Package

MODEL = w.to_bytes({"a": np.zeros(3, np.float32)})

TASKS = """
    import json, os, sys
    import numpy as np
    source, target = sys.argv[1:]
    task = os.environ["FEDN_TASK"]
    model = dict(np.load(source))
    if task == "train":
        np.savez(target, **{name: array + 1 for name, array in model.items()})
        with open(target + "-metadata", "w") as file:
            json.dump({"num_examples": 12, "metrics": {"loss": 0.25}}, file)
    else:
        with open(os.environ["FEDN_PARAMETERS"]) as file:
            parameters = json.load(file)
        found = {name: os.environ["FEDN_" + name] for name in ("CLIENT", "SESSION", "ROUND")}
        json.dump({**found, **parameters, "data": os.listdir("../data")}, open(target, "w"))
"""


def write_archive(folder: Path, tasks: str = TASKS) -> Path:
    code = folder / "client"
    code.mkdir(parents=True, exist_ok=True)
    entry_points = "{train: {command: python3 tasks.py}, validate: {command: python3 tasks.py}}"
    (code / "fedn.yaml").write_text(f"entry_points: {entry_points}\n")
    (code / "tasks.py").write_text(textwrap.dedent(tasks))
    return build(folder, folder / "package.tgz")


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Federation]:
    async with Federation(tmp_path / "data", combiners=0) as federation:
        yield federation


@pytest.fixture
async def package(network: Federation, tmp_path: Path) -> Package:
    archive = await asyncio.to_thread(write_archive, tmp_path / "project")
    return await asyncio.to_thread(network.operator.upload_package, archive)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "numbers.csv").touch()
    return folder


class Works:
    """Makes clients' work on one machine, which share a cache."""

    def __init__(self, network: Federation, folder: Path, data: Path) -> None:
        self.network = network
        self.folder = folder
        self.data = data

    def __call__(self, *, client: str = "ada", checksum: str = "") -> PackageWork:
        source = RemoteSource(self.network.web, cache=self.folder / "cache" / "packages", checksum=checksum)
        return PackageWork(
            source,
            client=client,
            folder=self.folder / client,
            environments=self.folder / "cache" / "environments",
            data=self.data,
            task_seconds=30.0,
        )


@pytest.fixture
def works(network: Federation, tmp_path: Path, data: Path) -> Iterator[Works]:
    return Works(network, tmp_path, data)


def job(kind: TaskKind, sha256: str, content: Path | bytes = MODEL) -> Job:
    file = File("model", len(MODEL), "")
    return Job("task", kind, "session", 4, file, content, 30.0, parameters={"rate": 0.5}, package_sha256=sha256)


async def test_a_package_trains_and_validates(works: Works, package: Package, tmp_path: Path) -> None:
    work = works()
    trained = await work.do(job(TaskKind.TRAIN, package.id))
    assert (trained.examples, trained.metrics) == (12, {"loss": 0.25})
    assert isinstance(trained.content, bytes)
    np.testing.assert_array_equal(w.read(trained.content)["a"], plus_one(w.read(MODEL))["a"])
    assert trained.seconds["exec_training"] > 0
    large = w.to_bytes({"a": np.zeros(SMALL, np.float32)})
    trained = await work.do(job(TaskKind.TRAIN, package.id, large))
    assert isinstance(trained.content, Path)
    np.testing.assert_array_equal(w.read(trained.content)["a"], np.ones(SMALL, np.float32))
    trained.content.unlink()
    model = tmp_path / "model"
    model.write_bytes(MODEL)
    validated = await work.do(job(TaskKind.VALIDATE, package.id, model))
    assert json.loads(validated.data) == {
        "CLIENT": "ada",
        "SESSION": "session",
        "ROUND": "4",
        "rate": 0.5,
        "data": ["numbers.csv"],
    }
    assert model.read_bytes() == MODEL
    await work.close()
    assert sorted(path.name for path in (tmp_path / "ada").iterdir()) == ["package"]


NAMES = """
    import json, os, shutil, sys
    shutil.copyfile(*sys.argv[1:])
    with open(sys.argv[2] + "-metadata", "w") as file:
        json.dump({"metrics": {os.path.basename(path): 1 for path in sys.argv[1:]}}, file)
"""


@pytest.mark.parametrize(
    ("form", "names"),
    [
        (w.Format.NPZ, {"in.npz", "out.npz"}),
        (w.Format.TEXT, {"in.txt", "out.txt"}),
        (w.Format.SAFETENSORS, {"in.safetensors", "out.safetensors"}),
    ],
)
async def test_a_package_finds_files_named_after_their_format(
    works: Works, network: Federation, tmp_path: Path, form: w.Format, names: set[str]
) -> None:
    archive = await asyncio.to_thread(write_archive, tmp_path / "project", NAMES)
    package = await asyncio.to_thread(network.operator.upload_package, archive)
    content = BytesIO()
    w.write({"0": np.ones(3)}, content, format=form)
    work = works()
    trained = await work.do(job(TaskKind.TRAIN, package.id, content.getvalue()))
    await work.close()
    assert set(trained.metrics) == names


async def test_the_clients_of_a_machine_fetch_a_package_once(works: Works, package: Package, tmp_path: Path) -> None:
    one, other = works(client="one"), works(client="other")
    await one.do(job(TaskKind.VALIDATE, package.id))
    (archive,) = (tmp_path / "cache" / "packages").iterdir()
    before = archive.stat()
    await other.do(job(TaskKind.VALIDATE, package.id))
    assert archive.stat().st_ino == before.st_ino
    archive.write_bytes(b"damaged")
    third = works(client="third")
    await third.do(job(TaskKind.VALIDATE, package.id))
    assert archive.stat().st_size == package.size
    for work in (one, other, third):
        await work.close()


async def test_there_is_nothing_to_run_without_a_package(works: Works) -> None:
    with pytest.raises(NotReady, match="no compute package is set"):
        await works().do(job(TaskKind.TRAIN, ""))


async def test_only_the_package_agreed_on_is_run(works: Works, package: Package, tmp_path: Path) -> None:
    with pytest.raises(InvalidPackage, match="this client only runs 0000"):
        await works(checksum="0000").do(job(TaskKind.TRAIN, package.id))
    (archive,) = (tmp_path / "cache" / "packages").iterdir()
    for checksum in (package.id, md5_file(archive).upper()):
        work = works(checksum=checksum)
        await work.do(job(TaskKind.VALIDATE, package.id))
        await work.close()


async def test_another_package_takes_the_place_of_the_former(works: Works, package: Package, tmp_path: Path) -> None:
    work = works()
    await work.do(job(TaskKind.VALIDATE, package.id))
    print_one = 'import sys; open(sys.argv[2], "w").write("{\\"one\\": 1}")'
    archive = await asyncio.to_thread(write_archive, tmp_path / "project", print_one)
    second = await asyncio.to_thread(works.network.operator.upload_package, archive)
    assert second.id != package.id
    assert json.loads((await work.do(job(TaskKind.VALIDATE, second.id))).data) == {"one": 1}
    await work.close()


FAULTS = {
    "exits": ("import sys; print('out of luck'); sys.exit(3)", "ended with exit status 3: out of luck"),
    "nothing": ("pass", "wrote nothing to its OUT"),
    "text": ('import sys; open(sys.argv[2], "w").write("accuracy 1")', "the validation's OUT is no JSON"),
    "list": ('import sys; open(sys.argv[2], "w").write("[1]")', "expected a JSON object"),
}


@pytest.mark.parametrize(("tasks", "reason"), FAULTS.values(), ids=FAULTS)
async def test_what_a_package_does_wrong_is_said(
    works: Works, network: Federation, tmp_path: Path, tasks: str, reason: str
) -> None:
    archive = await asyncio.to_thread(write_archive, tmp_path / "project", tasks)
    package = await asyncio.to_thread(network.operator.upload_package, archive)
    work = works()
    with pytest.raises(EntryPointFailed, match=reason):
        await work.do(job(TaskKind.VALIDATE, package.id))
    await work.close()
    assert sorted(path.name for path in (tmp_path / "ada").iterdir()) == ["package"]
