"""Gates that the tasks of a compute package wait at."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def standing(*gates: Path) -> Iterator[None]:
    """Pipes, held open meanwhile: who reads a line waits for it, and who writes one never waits for a reader."""
    files = []
    try:
        for gate in gates:
            os.mkfifo(gate)
            files.append(os.open(gate, os.O_RDWR))
        yield
    finally:
        for file in files:
            os.close(file)


def let_through(gate: Path) -> None:
    """Let one task go on, be it there already or not."""
    gate.write_text("\n")
