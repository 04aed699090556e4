"""What a client does with a task: the one interface that packages and plain functions share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from fedn.core.model import File, Json, Metrics, TaskKind


@dataclass(frozen=True)
class Job:
    """A task with its model at hand."""

    id: str
    kind: TaskKind
    session_id: str
    round: int
    model: File
    content: Path | bytes
    """The model: a file, or the bytes of a small one."""
    seconds: float
    """Time left for it."""
    parameters: Json = field(default_factory=dict)
    package_sha256: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came of a job."""

    examples: int = 1
    metrics: Metrics = field(default_factory=dict)
    content: Path | bytes = b""
    """The updated model, for training; the client deletes the file when it is delivered."""
    data: str = ""
    """JSON object of a validation or prediction."""
    seconds: Mapping[str, float] = field(default_factory=dict)


class Work(Protocol):
    """Does jobs, one at a time."""

    needs_package: bool
    """Whether there must be a compute package for it."""

    async def do(self, job: Job) -> Outcome:
        """Do a job; cancelling it ends what it started.

        Raises:
            EntryPointFailed: The user's code failed, took too long, or left nothing that can be used.
        """

    async def close(self) -> None:
        """End what stays up between jobs."""
