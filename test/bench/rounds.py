"""Seconds per round of an empty model (1,000 floats), beside the bare exchange of the same messages in the same run.

    python test/bench/rounds.py                         # all of it
    python test/bench/rounds.py --clients 2,10 --kinds functions --combiners 1

Every role is a process of its own as in production: TLS, tokens and durable commits on. The clients of a run share one
process. Kinds: `functions` (plain Python functions), `warm` (a package's entry point that stays up), `process` (a
process for each task; the command is `cp`, so that what is measured is ours). A round's time is that between the ends
of two rounds, as the reducer wrote them down; processor time is that of all processes, over the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from fedn.api import Reducer
from fedn.package import archive

HERE = Path(__file__).parent
ROUNDS = {2: 60, 10: 60, 100: 30, 1000: 12}
MOST = {"functions": 1000, "warm": 100, "process": 100}
"""Clients that a kind is measured with at most: a thousand processes would measure the machine's memory."""

TASKS = """
import shutil
import fedn

fedn.serve(train=lambda source, target: shutil.copyfile(source, target) and None)
"""


@contextmanager
def process(*command: str, log: Path) -> Iterator[psutil.Process]:
    """A process of the federation, killed at the end."""
    with log.open("wb") as sink:
        child = subprocess.Popen([sys.executable, *command], stdout=sink, stderr=sink, start_new_session=True)
    try:
        yield psutil.Process(child.pid)
    finally:
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def wait_for(condition, seconds: float, what: str) -> None:
    """A bench may poll: nothing is measured meanwhile."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise SystemExit(f"{what} took longer than {seconds:g} s")
        time.sleep(0.05)


def package(kind: str, folder: Path) -> Path:
    """A package whose update is a copy of the model."""
    code = folder / "project" / "client"
    code.mkdir(parents=True)
    command = "{command: cp}" if kind == "process" else "{command: python3 tasks.py, warm: true}"
    (code / "fedn.yaml").write_text(f"entry_points:\n  train: {command}\n")
    (code / "tasks.py").write_text(TASKS)
    return archive.build(folder / "project", folder / "package.tgz")


def processor_seconds(processes: list[psutil.Process]) -> float:
    """What the processes and their children used so far."""
    total = 0.0
    for parent in processes:
        own = parent.cpu_times()
        total += own.user + own.system + own.children_user + own.children_system
        for child in parent.children(recursive=True):
            times = child.cpu_times()
            total += times.user + times.system
    return total


def measure(kind: str, clients: int, combiners: int, rounds: int) -> dict[str, float]:
    """One federation from start to end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fedn-bench-")))
        data = folder / "data"

        def start(name: str, *command: str) -> psutil.Process:
            return stack.enter_context(process(*command, log=folder / f"{name}.log"))

        common = ("--data-dir", str(data), "--log-level", "WARNING")
        parts = [start("reducer", "-m", "fedn", "run", "reducer", "--port", "0", *common)]
        wait_for((data / "join" / "operator").exists, 30, "the reducer's start")
        reducer = Reducer.connect(data_dir=data)
        for number in range(combiners):
            name = f"combiner-{number}"
            parts.append(start(name, "-m", "fedn", "run", "combiner", "--name", name, "--port", "0", *common))
        wait_for(lambda: sum(one["connected"] for one in reducer.combiners()) == combiners, 30, "the combiners' start")
        seed = folder / "seed.npz"
        np.savez(seed, weights=np.zeros(1000, np.float32))
        if kind != "functions":
            reducer.upload_package(package(kind, folder))
        reducer.seed_model(seed)
        join = (data / "join" / "client").read_text()
        workers = "functions" if kind == "functions" else "package"
        parts.append(start("fleet", str(HERE / "fleet.py"), join, workers, str(clients), str(folder / "fleet")))
        wait_for(lambda: len(reducer.clients()) == clients, 120, "the clients' start")

        def session(rounds: int) -> list[dict]:
            options = {"validate": False, "clients_required": clients, "round_timeout": 300}
            started = reducer.start_session(rounds=rounds, **options)
            for _ in reducer.watch_session(started.id):
                pass
            done = reducer.session(started.id)
            if done.state != "finished":
                raise SystemExit(
                    f"{kind}, {clients} clients: {done.error}\n{(folder / 'fleet.log').read_text()[-2000:]}"
                )
            return sorted(reducer.rounds(session_id=started.id, limit=rounds), key=lambda one: one.number)

        session(3)  # warms everything up
        used = processor_seconds(parts)
        documents = session(rounds)
        used = processor_seconds(parts) - used
        ends = np.array([one.ended_at for one in documents])
        seconds = np.diff(ends)
        return {
            "p50": float(np.percentile(seconds, 50)),
            "p99": float(np.percentile(seconds, 99)),
            "processor": used / rounds,
        }


def bare(clients: int, rounds: int) -> dict[str, float]:
    command = [sys.executable, str(HERE / "bare.py"), str(clients), str(rounds)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    seconds = np.array(json.loads(done.stdout)[2:])
    return {"p50": float(np.percentile(seconds, 50)), "p99": float(np.percentile(seconds, 99))}


async def copies(clients: int, source: Path, folder: Path) -> float:
    """Seconds for as many `cp` as a round of the kind `process` runs, and nothing else."""

    async def copy(number: int) -> None:
        child = await asyncio.create_subprocess_exec("cp", str(source), str(folder / str(number)))
        await child.wait()

    started = time.perf_counter()
    await asyncio.gather(*(copy(number) for number in range(clients)))
    return time.perf_counter() - started


def bare_processes(clients: int, rounds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="fedn-bench-") as name:
        source = Path(name) / "model"
        source.write_bytes(bytes(4096))
        seconds = [asyncio.run(copies(clients, source, Path(name))) for _ in range(rounds)]
    return {"p50": float(np.percentile(seconds, 50)), "p99": float(np.percentile(seconds, 99))}


def numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=numbers, default=[2, 10, 100, 1000], help="numbers of clients")
    parser.add_argument("--combiners", type=numbers, default=[1, 2], help="numbers of combiners")
    parser.add_argument("--kinds", type=lambda text: text.split(","), default=list(MOST), help="kinds of clients")
    parser.add_argument("--rounds", type=int, help="rounds of each run")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    os.environ["FEDN_LOG_LEVEL"] = "WARNING"
    rows = []
    for clients in options.clients:
        rounds = options.rounds or ROUNDS.get(clients, 20)
        limit = bare(clients, rounds)
        rows.append({"kind": "bare exchange", "clients": clients, "combiners": 1, **limit})
        if "process" in options.kinds and clients <= MOST["process"]:
            rows.append(
                {"kind": "bare processes", "clients": clients, "combiners": 0, **bare_processes(clients, rounds)}
            )
        for kind in options.kinds:
            for combiners in options.combiners if clients <= MOST[kind] else ():
                row = measure(kind, clients, combiners, rounds)
                rows.append(
                    {
                        "kind": kind,
                        "clients": clients,
                        "combiners": combiners,
                        **row,
                        "ratio": row["p50"] / limit["p50"],
                    }
                )
    if options.json:
        print(json.dumps(rows))
        return
    table = Table("clients", "kind", "combiners", "p50 ms", "p99 ms", "processor ms", "times the bare exchange")
    for row in rows:
        figures = (f"{row[key] * 1000:.1f}" if key in row else "" for key in ("p50", "p99", "processor"))
        ratio = f"{row['ratio']:.1f}" if "ratio" in row else ""
        table.add_row(f"{row['clients']:,}", row["kind"], str(row["combiners"] or ""), *figures, ratio)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
