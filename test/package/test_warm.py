import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from fedn.errors import EntryPointFailed
from fedn.package.archive import build
from fedn.package.runner import Package

MANIFEST = """
entry_points:
  train: {command: python3 tasks.py, warm: true}
  validate: {command: python3 tasks.py, warm: true}
"""
SERVE = """
import os, subprocess, sys, time
from pathlib import Path
import fedn

def train(source, target):
    print("without a line break", end="")
    os.system("echo from a child")
    word = Path(source).read_text()
    if word == "raise":
        raise ValueError("bad model")
    if word == "exit":
        sys.exit(7)
    if word == "hang":
        time.sleep(3600)
    if word == "noise":
        print("@fedn {" + "x" * 200_000)
        print("@fedn nonsense")
    Path(target).write_text(f"{os.getpid()} {os.environ.get('FEDN_ROUND')} {sys.stdin.read()!r}")
    return {"num_examples": 5}

def validate(source, target):
    Path(target).write_text(str(os.getpid()))

fedn.serve(train=train, validate=validate)
"""
Make = Callable[..., Awaitable[Package]]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    """Prepares a warm package of one script, and closes it in the end."""
    made = []

    async def prepare(script: str, *, manifest: str = MANIFEST) -> Package:
        code = tmp_path / "project" / "client"
        code.mkdir(parents=True)
        (code / "fedn.yaml").write_text(manifest)
        (code / "tasks.py").write_text(textwrap.dedent(script))
        archive = build(tmp_path / "project", tmp_path / "package.tgz")
        made.append(await Package.prepare(archive, tmp_path / "work", cache=tmp_path / "cache"))
        return made[-1]

    yield prepare
    for package in made:
        await package.close()


async def train(package: Package, folder: Path, word: str = "model", *, seconds: float = 30.0) -> str:
    """What the task wrote, after a run on a file that holds `word`."""
    (folder / "in").write_text(word)
    await package.run("train", folder / "in", folder / "out", environ={"FEDN_ROUND": word}, seconds=seconds)
    return (folder / "out").read_text()


async def test_one_process_does_task_after_task(make: Make, tmp_path: Path) -> None:
    package = await make(SERVE)
    pid, task_round, stdin = (await train(package, tmp_path)).split()
    assert (task_round, stdin) == ("model", "''")
    assert (tmp_path / "out-metadata").read_text() == '{"num_examples": 5}'
    (tmp_path / "in").write_text("model")
    output = await package.run("validate", tmp_path / "in", tmp_path / "out")
    assert (tmp_path / "out").read_text() == pid
    assert not (tmp_path / "out-metadata").exists()
    assert output.text.strip() == ""
    await package.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


async def test_an_exception_fails_its_task_and_not_the_process(make: Make, tmp_path: Path) -> None:
    package = await make(SERVE)
    pid = (await train(package, tmp_path)).split()[0]
    with pytest.raises(EntryPointFailed, match="train failed: ValueError: bad model") as failed:
        await train(package, tmp_path, "raise")
    assert 'raise ValueError("bad model")' in failed.value.output
    assert "without a line break" in failed.value.output
    assert (await train(package, tmp_path)).split()[0] == pid


async def test_output_that_looks_like_an_answer_is_output(make: Make, tmp_path: Path) -> None:
    package = await make(SERVE)
    pid = (await train(package, tmp_path, "noise")).split()[0]
    assert (await train(package, tmp_path)).split()[0] == pid


async def test_a_process_that_dies_in_a_task_is_replaced(make: Make, tmp_path: Path) -> None:
    package = await make(SERVE)
    pid = (await train(package, tmp_path)).split()[0]
    with pytest.raises(EntryPointFailed, match="ended with exit status 7") as failed:
        await train(package, tmp_path, "exit")
    assert "from a child" in failed.value.output
    assert (await train(package, tmp_path)).split()[0] != pid


async def test_a_process_that_dies_between_tasks_is_replaced(make: Make, tmp_path: Path) -> None:
    package = await make(SERVE)
    pid = (await train(package, tmp_path)).split()[0]
    os.kill(int(pid), signal.SIGKILL)
    await asyncio.sleep(0.1)
    with contextlib.suppress(EntryPointFailed):  # its death may go unnoticed until a task is sent to it
        await train(package, tmp_path)
    assert (await train(package, tmp_path)).split()[0] != pid


async def test_a_task_over_its_time_costs_the_process(make: Make, tmp_path: Path) -> None:
    package = await make(SERVE)
    pid = (await train(package, tmp_path)).split()[0]
    with pytest.raises(EntryPointFailed, match=r"train took longer than 0.5 s and was stopped"):
        await train(package, tmp_path, "hang", seconds=0.5)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
    assert (await train(package, tmp_path)).split()[0] != pid


async def test_a_cancelled_task_costs_the_process(make: Make, tmp_path: Path) -> None:
    package = await make(SERVE)
    pid = (await train(package, tmp_path)).split()[0]
    running = asyncio.ensure_future(train(package, tmp_path, "hang"))
    await asyncio.wait({running}, timeout=0.2)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
    assert (await train(package, tmp_path)).split()[0] != pid


async def test_tasks_take_turns(make: Make, tmp_path: Path) -> None:
    package = await make(SERVE)
    (tmp_path / "in").write_text("model")
    outs = [tmp_path / f"out{number}" for number in range(5)]
    await asyncio.gather(*(package.run("train", tmp_path / "in", out) for out in outs))
    assert len({out.read_text() for out in outs}) == 1


async def test_a_command_that_does_not_speak_is_said(make: Make, tmp_path: Path) -> None:
    package = await make("print('trained')")
    with pytest.raises(EntryPointFailed, match=r"ended with exit status 0: trained.*fedn.serve"):
        await train(package, tmp_path)


async def test_a_command_that_is_never_ready_is_stopped(make: Make, tmp_path: Path) -> None:
    package = await make("import time; time.sleep(3600)")
    with pytest.raises(EntryPointFailed, match=r"took longer than 0.5 s"):
        await train(package, tmp_path, seconds=0.5)


async def test_the_protocol_needs_no_python(make: Make, tmp_path: Path) -> None:
    shell = """
echo '@fedn {"ready": true}'
while read -r task; do
  out=$(echo "$task" | sed 's/.*"out": "\\([^"]*\\)".*/\\1/')
  id=$(echo "$task" | sed 's/.*"id": \\([0-9]*\\).*/\\1/')
  echo "$task" > "$out"
  echo "@fedn {\\"id\\": $id, \\"ok\\": true}"
done
"""
    package = await make(shell, manifest="entry_points: {train: {command: sh tasks.py, warm: true}}")
    assert '"task": "train"' in await train(package, tmp_path)
    assert '"id": 2' in await train(package, tmp_path)


async def test_a_function_that_was_not_given_is_said(make: Make, tmp_path: Path) -> None:
    package = await make(SERVE.replace("train=train, validate=validate", "validate=validate"))
    (tmp_path / "in").write_text("model")
    with pytest.raises(EntryPointFailed, match=r"train failed: LookupError: fedn\.serve was given no such function"):
        await package.run("train", tmp_path / "in", tmp_path / "out")


def test_one_that_is_started_for_a_task_says_that_it_is_warm(tmp_path: Path) -> None:
    """As a client of 2021 starts every command."""
    (tmp_path / "tasks.py").write_text(textwrap.dedent(SERVE))
    (tmp_path / "in").write_text("model")
    command = [sys.executable, "tasks.py", "in", "out"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 1
    assert ran.stderr.startswith("this entry point is warm")
    assert not (tmp_path / "out").exists()
