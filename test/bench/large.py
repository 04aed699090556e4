"""A round of a model above 4 GiB, with every role as a process of its own: how long it takes, and how much memory.

    python test/bench/large.py                          # 4.5 GiB of float64, two clients, one round
    python test/bench/large.py --gib 1 --rounds 3 --folder /somewhere/with/room

The clients run a package that adds one to the model, so each needs room for a copy of it. Takes about ten times the
model's size of disk in `--folder`, which is left as it was. Memory is the peak of what a process had of its own, and of
all that was resident for it, mapped files included; the system takes the latter back when it needs it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import psutil
from rounds import process, wait_for

from fedn.api import Reducer
from fedn.core import weights
from fedn.errors import FednError, NotReady
from fedn.package import archive

GIB = 1 << 30
CLIENTS = 2
STRETCH = 1 << 24
TRAIN = """
import sys
import numpy as np

with np.load(sys.argv[1]) as file:
    model = dict(file)
for array in model.values():
    array += 1
with open(sys.argv[2], "wb") as file:
    np.savez(file, **model)
"""


class Peaks:
    """Watches processes and those that they start, until it is closed."""

    def __init__(self, roles: dict[str, psutil.Process]) -> None:
        self.own: dict[str, int] = defaultdict(int)
        self.resident: dict[str, int] = defaultdict(int)
        self._roles = roles
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def close(self) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(0.1):
            for role, parent in self._roles.items():
                self._note(role, parent.pid)
                for child in parent.children(recursive=True):
                    self._note(f"package of {role}", child.pid)

    def _note(self, role: str, pid: int) -> None:
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:  # it has just ended
            return
        kilobytes = {line.partition(":")[0]: int(line.split()[1]) for line in lines if line.endswith(" kB")}
        self.own[role] = max(self.own[role], 1024 * kilobytes.get("RssAnon", 0))
        self.resident[role] = max(self.resident[role], 1024 * kilobytes.get("VmHWM", 0))


def package(folder: Path) -> Path:
    code = folder / "project" / "client"
    code.mkdir(parents=True)
    (code / "fedn.yaml").write_text("entry_points:\n  train: {command: python3 train.py}\n")
    (code / "train.py").write_text(TRAIN)
    return archive.build(folder / "project", folder / "package.tgz")


def seed(folder: Path, numbers: int) -> Path:
    path = folder / "seed.npz"
    weights.write({"kernel": np.arange(numbers, dtype=np.float64), "bias": np.zeros(3, np.float32)}, path)
    return path


def check(path: Path, numbers: int, *, added: int) -> None:
    """Make sure of every number, a stretch at a time."""
    model = weights.read(path)
    np.testing.assert_array_equal(model["bias"], np.full(3, added, np.float32), strict=True)
    if model["kernel"].shape != (numbers,):
        raise SystemExit(f"the model has shape {model['kernel'].shape}")
    for start in range(0, numbers, STRETCH):
        stretch = model["kernel"][start : start + STRETCH]
        np.testing.assert_array_equal(stretch, np.arange(start, start + stretch.size, dtype=np.float64) + added)


def run(folder: Path, *, numbers: int, rounds: int, reproducible: bool) -> None:
    os.environ["TMPDIR"] = str(folder)  # what the roles leave there for a while is large
    data = folder / "data"
    common = ("--data-dir", str(data), "--log-level", "INFO")
    with ExitStack() as stack:
        roles: dict[str, psutil.Process] = {}

        def start(name: str, role: str, *words: str) -> None:
            command = ("-m", "fedn", "run", role, *common, *words)
            roles[name] = stack.enter_context(process(*command, log=folder / f"{name}.log"))

        start("reducer", "reducer", "--port", "0")
        wait_for((data / "join" / "operator").exists, 60, "the reducer's start")
        reducer = stack.enter_context(Reducer.connect(data_dir=data))
        start("combiner", "combiner", "--name", "combiner", "--port", "0")
        wait_for(lambda: any(one["connected"] for one in reducer.combiners()), 60, "the combiner's start")
        reducer.upload_package(package(folder))
        for number in range(CLIENTS):
            start(f"client {number}", "client", "--name", f"client-{number}")
        wait_for(lambda: len(reducer.clients()) == CLIENTS, 60, "the clients' start")
        peaks = Peaks(roles)
        stack.callback(peaks.close)

        began = time.monotonic()
        source = seed(folder, numbers)
        size = source.stat().st_size
        print(f"model: {numbers:,} float64, {size / GIB:.2f} GiB; written in {time.monotonic() - began:.0f} s")
        began = time.monotonic()
        reducer.seed_model(source)
        print(f"seeded in {time.monotonic() - began:.0f} s")
        source.unlink()
        options = {"validate": False, "clients_required": CLIENTS, "round_timeout": 7200, "reproducible": reproducible}
        session = reducer.start_session(rounds=rounds, **options)
        for _ in reducer.watch_session(session.id):
            pass
        session = reducer.session(session.id)
        if session.state != "finished":
            raise NotReady(f"the session {session.state}: {session.error}")
        for one in sorted(reducer.rounds(session_id=session.id, limit=rounds), key=lambda one: one.number):
            parts = ", ".join(f"{name} {seconds:.1f}" for name, seconds in one.seconds.items())
            print(f"round {one.number}: {one.ended_at - one.started_at:.1f} s ({parts})")
        peaks.close()
        began = time.monotonic()
        result = reducer.download_model(session.model_id, folder / "result.npz")
        print(f"downloaded in {time.monotonic() - began:.0f} s")
    check(result, numbers, added=rounds)
    print(f"every number is right\n\n{'peak GiB':20} {'own':>8} {'resident':>10}")
    for role in peaks.own:
        print(f"{role:20} {peaks.own[role] / GIB:8.2f} {peaks.resident[role] / GIB:10.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gib", type=float, default=4.5, help="size of the model")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--reproducible", action="store_true", help="with exact sums")
    parser.add_argument("--folder", type=Path, help="where there is room; by default that of temporary files")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fedn-large-", dir=options.folder) as folder:
        numbers = int(options.gib * GIB / 8)
        try:
            run(Path(folder), numbers=numbers, rounds=options.rounds, reproducible=options.reproducible)
        except FednError as error:
            logs = "\n".join(f"{path.name}\n{path.read_text()[-3000:]}" for path in sorted(Path(folder).glob("*.log")))
            raise SystemExit(f"{logs}\n{error}") from error


if __name__ == "__main__":
    main()
