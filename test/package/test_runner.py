import asyncio
import os
import select
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest
from waiting import DEADLINE

from fedn.errors import EntryPointFailed, InvalidPackage
from fedn.package.archive import build
from fedn.package.process import TAIL
from fedn.package.runner import Package


async def package(
    folder: Path, files: Mapping[str, str], *, entry_points: str = "", data: Path | None = None
) -> Package:
    """A package of these files, prepared; `train` runs train.py unless said otherwise."""
    code = folder / "project" / "client"
    code.mkdir(parents=True)
    entry_points = entry_points or "{train: {command: python3 train.py}}"
    (code / "fedn.yaml").write_text(f"entry_points: {entry_points}\n")
    for name, content in files.items():
        (code / name).write_text(textwrap.dedent(content))
        (code / name).chmod(0o755)
    archive = build(folder / "project", folder / "package.tgz")
    (folder / "in").write_text("model")
    return await Package.prepare(archive, folder / "work", cache=folder / "cache", data=data)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


async def ends(pid: int) -> None:
    """Wait until a process that is not our child is gone."""
    if not alive(pid):
        return
    watch = os.pidfd_open(pid)
    try:
        assert await asyncio.to_thread(select.select, [watch], [], [], DEADLINE) != ([], [], [])
    finally:
        os.close(watch)


async def written(path: Path) -> str:
    """What a process writes to a named pipe."""
    return await asyncio.wait_for(asyncio.to_thread(path.read_text), DEADLINE)


async def test_a_command_gets_files_data_and_environment(tmp_path: Path) -> None:
    data = tmp_path / "my data"
    data.mkdir()
    (data / "numbers").write_text("1 2 3")
    script = """
        import os, pathlib, sys
        source, target = sys.argv[1:]
        print("hello", file=sys.stderr)
        parts = [open(source).read(), open("../data/numbers").read(), os.environ["FEDN_ROUND"], str(pathlib.Path.cwd())]
        open(target, "w").write("|".join(parts))
    """
    ready = await package(tmp_path, {"train.py": script}, data=data)
    output = await ready.run("train", tmp_path / "in", tmp_path / "out", environ={"FEDN_ROUND": "3"})
    assert (tmp_path / "out").read_text() == f"model|1 2 3|3|{tmp_path}/work/client"
    assert output.text == "hello\n"
    assert output.seconds > 0


async def test_what_is_ours_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FEDN_TOKEN", "PYTHONPATH", "PYTHONHOME"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    script = """
        import os, sys
        names = ["FEDN_TOKEN", "PYTHONPATH", "PYTHONHOME", "CUDA_VISIBLE_DEVICES"]
        open(sys.argv[2], "w").write(str([os.environ.get(name) for name in names] + [sys.prefix]))
    """
    ready = await package(tmp_path, {"train.py": script})
    await ready.run("train", tmp_path / "in", tmp_path / "out")
    assert (tmp_path / "out").read_text() == str([None, None, None, "1", sys.prefix])


async def test_paths_may_be_relative_to_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ready = await package(Path(), {}, entry_points="{train: {command: cp}}")
    await ready.run("train", Path("in"), Path("out"))
    assert (tmp_path / "out").read_text() == "model"


async def test_other_programs_and_a_shell(tmp_path: Path) -> None:
    entry_points = """{train: {command: ./train.sh}, validate: {command: "sh -c 'cat \\"$0\\" > \\"$1\\"'"}}"""
    ready = await package(tmp_path, {"train.sh": '#!/bin/sh\necho trained > "$2"\n'}, entry_points=entry_points)
    await ready.run("train", tmp_path / "in", tmp_path / "out")
    assert (tmp_path / "out").read_text() == "trained\n"
    await ready.run("validate", tmp_path / "in", tmp_path / "out")
    assert (tmp_path / "out").read_text() == "model"


async def test_a_library_that_is_missing_is_to_be_named(tmp_path: Path) -> None:
    ready = await package(tmp_path, {"train.py": "import no_such_library"})
    with pytest.raises(EntryPointFailed, match="No module named 'no_such_library'") as caught:
        await ready.run("train", tmp_path / "in", tmp_path / "out")
    assert "python.requirements" in caught.value.hint


@pytest.mark.parametrize(
    ("script", "error", "output"),
    [
        ("import sys; print('no data'); sys.exit(3)", r"train .* ended with exit status 3: no data", "no data\n"),
        ("raise ValueError('bad')", r"ended with exit status 1: ValueError: bad", "Traceback"),
        ("raise SystemExit(2)", r"ended with exit status 2, without a word", ""),
        ("import os; os.kill(os.getpid(), 9)", r"was ended by SIGKILL.*out of memory", ""),
        ("print('done')", r"train ended well, but wrote nothing to its OUT", "done\n"),
        ("import sys; open(sys.argv[2], 'w')", r"wrote nothing to its OUT", ""),
        ("import os, sys; os.mkdir(sys.argv[2])", r"wrote nothing to its OUT", ""),
    ],
)
async def test_a_failure_says_why(tmp_path: Path, script: str, error: str, output: str) -> None:
    ready = await package(tmp_path, {"train.py": script})
    with pytest.raises(EntryPointFailed, match=error) as failed:
        await ready.run("train", tmp_path / "in", tmp_path / "out")
    assert failed.value.output.startswith(output)


@pytest.mark.parametrize("command", ["no-such-program", "./train.txt", "/"])
async def test_a_program_that_is_none_is_said(tmp_path: Path, command: str) -> None:
    ready = await package(tmp_path, {"train.py": ""}, entry_points=f"{{train: {{command: {command}}}}}")
    with pytest.raises(EntryPointFailed, match=f"`{command}` can't be started"):
        await ready.run("train", tmp_path / "in", tmp_path / "out")


async def test_nothing_old_is_taken_for_an_answer(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("of the last round")
    (tmp_path / "out-metadata").write_text("{}")
    ready = await package(tmp_path, {"train.py": ""})
    with pytest.raises(EntryPointFailed, match="wrote nothing"):
        await ready.run("train", tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out-metadata").exists()


async def test_output_without_end_neither_stops_a_command_nor_fills_memory(tmp_path: Path) -> None:
    script = """
        import sys
        sys.stdout.write("x" * 5_000_000 + "last words")
        open(sys.argv[2], "w").write("model")
    """
    ready = await package(tmp_path, {"train.py": script})
    output = await ready.run("train", tmp_path / "in", tmp_path / "out")
    assert len(output.text) == TAIL
    assert output.text.endswith("xlast words")


# Starts a grandchild that ignores SIGTERM, prints both process ids, says them into a named pipe if there is one, hangs.
HANG = """
    import os, signal, subprocess, sys
    child = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); signal.pause()"
    grandchild = subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE)
    grandchild.stdout.readline()
    pids = f"{os.getpid()} {grandchild.pid}"
    print(pids, flush=True)
    if os.path.exists("../pids"):
        with open("../pids", "w") as pipe:
            pipe.write(pids)
    signal.pause()
"""


async def test_a_command_over_its_time_ends_with_all_that_it_started(tmp_path: Path) -> None:
    entry_points = "{train: {command: python3 train.py, seconds: 2}}"
    ready = await package(tmp_path, {"train.py": HANG}, entry_points=entry_points)
    with pytest.raises(EntryPointFailed, match="took longer than 2 s and was stopped") as failed:
        await ready.run("train", tmp_path / "in", tmp_path / "out", seconds=DEADLINE)
    train, grandchild = failed.value.output.split()
    await ends(int(train))
    await ends(int(grandchild))


async def test_a_cancelled_command_ends_with_all_that_it_started(tmp_path: Path) -> None:
    ready = await package(tmp_path, {"train.py": HANG})
    os.mkfifo(tmp_path / "work" / "pids")
    running = asyncio.ensure_future(ready.run("train", tmp_path / "in", tmp_path / "out"))
    pids = await written(tmp_path / "work" / "pids")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    for pid in pids.split():
        await ends(int(pid))


async def test_a_command_that_ends_well_leaves_nothing_running(tmp_path: Path) -> None:
    script = HANG.replace("signal.pause()\n", "open(sys.argv[2], 'w').write('model')\n")
    ready = await package(tmp_path, {"train.py": script})
    output = await ready.run("train", tmp_path / "in", tmp_path / "out")
    train, grandchild = output.text.split()
    await ends(int(train))
    await ends(int(grandchild))


async def test_a_client_that_is_killed_leaves_nothing_running(tmp_path: Path) -> None:
    await package(tmp_path, {"train.py": HANG})
    os.mkfifo(tmp_path / "pids")
    program = f"""
import asyncio
from pathlib import Path
from fedn.package.runner import Package
async def main():
    folder = Path({str(tmp_path)!r})
    ready = await Package.prepare(folder / "package.tgz", folder / "again" / "work", cache=folder / "cache")
    (folder / "again" / "work" / "pids").symlink_to(folder / "pids")
    await ready.run("train", folder / "in", folder / "out")
asyncio.run(main())
"""
    client = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    pids = await written(tmp_path / "pids")
    client.kill()
    await client.wait()
    for pid in pids.split():
        await ends(int(pid))


async def test_startup_seed_and_partition(tmp_path: Path) -> None:
    entry_points = """
        {train: {command: cat}, startup: {command: touch started}, seed: {command: cp started.txt},
         partition: {command: ./partition.sh}}
    """
    partition = '#!/bin/sh\nfor i in $(seq 0 $(($2 - 1))); do mkdir -p "$1/$i"; done\n'
    files = {"started.txt": "seed", "partition.sh": partition}
    ready = await package(tmp_path, files, entry_points=entry_points)
    await ready.startup()
    assert (tmp_path / "work/client/started").exists()
    await ready.seed(tmp_path / "seed")
    assert (tmp_path / "seed").read_text() == "seed"
    parts = await ready.partition(tmp_path / "parts", 3)
    assert [part.relative_to(tmp_path) for part in parts] == [Path("parts/0"), Path("parts/1"), Path("parts/2")]


async def test_what_a_package_can_not_do_is_said(tmp_path: Path) -> None:
    ready = await package(tmp_path, {}, entry_points="{train: {command: cp}, partition: {command: echo}}")
    await ready.startup()
    with pytest.raises(InvalidPackage, match="no entry point `seed`"):
        await ready.seed(tmp_path / "seed")
    with pytest.raises(EntryPointFailed, match=r"did not make .*parts/0"):
        await ready.partition(tmp_path / "parts", 2)
