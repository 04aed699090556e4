"""Work with a compute package: fetched, checked and unpacked once, then run for each task."""

from __future__ import annotations

import asyncio
import json
import shutil
import uuid
from dataclasses import replace
from pathlib import Path

from fedn.client.sources import Source
from fedn.client.standing import Standing
from fedn.client.work import Job, Outcome
from fedn.core import weights as w
from fedn.core.model import TaskKind
from fedn.core.numbers import finite_numbers
from fedn.package.results import read_metadata, read_validation
from fedn.package.runner import Package

SMALL = 1024 * 1024
"""Updates up to so many bytes are held in memory."""


class PackageWork:
    """Runs the entry points of the network's package.

    Args:
        source: Where the package comes from.
        client: Name of the client, for the entry points to read.
        folder: Of this client alone: the unpacked package and the files of its tasks.
        environments: Folder of Python environments, shared by the clients of this machine.
        data: The client's own data, which the package finds as `../data`.
        task_seconds: The longest that an entry point may take.
        standing: Is told when a package is being made ready.
    """

    needs_package = True

    def __init__(
        self,
        source: Source,
        *,
        client: str,
        folder: Path,
        environments: Path,
        data: Path | None,
        task_seconds: float,
        standing: Standing | None = None,
    ) -> None:
        self._source = source
        self._client = client
        self._folder = folder.absolute()  # entry points run elsewhere
        self._environments = environments
        self._data = data
        self._task_seconds = task_seconds
        self._standing = standing or Standing(client)
        self._package: Package | None = None
        self._sha256 = ""

    async def do(self, job: Job) -> Outcome:
        package = await self.prepare(job.package_sha256)
        desk = await asyncio.to_thread(_Desk, self._folder, job)
        try:
            output = await package.run(
                job.kind.value,
                desk.source,
                desk.target,
                environ={**desk.environ, "FEDN_CLIENT": self._client},
                seconds=min(job.seconds, self._task_seconds),
            )
            outcome = await asyncio.to_thread(desk.outcome)
            return replace(outcome, seconds={"exec_training": output.seconds})
        finally:
            await asyncio.to_thread(desk.clear)

    async def close(self) -> None:
        if self._package is not None:
            await self._package.close()
            self._package = None

    async def prepare(self, sha256: str) -> Package:
        """Have the network's package of that digest unpacked and ready; another one that was in use is put away."""
        if self._package is None or self._sha256 != sha256:
            await self.close()
            with self._standing.preparing():
                archive = await asyncio.to_thread(self._source.fetch, sha256)
                package = await Package.prepare(
                    archive, self._folder / "package", cache=self._environments, data=self._data
                )
                await package.startup(environ={"FEDN_CLIENT": self._client}, seconds=self._task_seconds)
            self._package, self._sha256 = package, sha256
        return self._package


class _Desk:
    """The files of one task. Its methods block on the disk."""

    def __init__(self, folder: Path, job: Job) -> None:
        self._job = job
        self._folder = folder
        self._scratch = folder / f"task-{uuid.uuid4().hex}"
        self._scratch.mkdir(parents=True)
        # numpy.savez puts `.npz` behind a name without it, so that a package would write beside its OUT.
        suffix = w.format_of(job.content).suffix
        self.source = self._scratch / f"in{suffix}"
        self.target = self._scratch / (f"out{suffix}" if job.kind is TaskKind.TRAIN else "out.json")
        _place(job.content, self.source)
        parameters = self._scratch / "parameters.json"
        parameters.write_text(json.dumps(dict(job.parameters)), encoding="utf-8")
        self.environ = {
            "FEDN_TASK": job.kind.value,
            "FEDN_SESSION": job.session_id,
            "FEDN_ROUND": str(job.round),
            "FEDN_PARAMETERS": str(parameters),
        }
        if "seed" in job.parameters:
            self.environ["FEDN_SEED"] = str(job.parameters["seed"])

    def outcome(self) -> Outcome:
        """What the entry point left.

        Raises:
            EntryPointFailed: It is not what it should be.
        """
        metadata = read_metadata(self.target)
        examples = 1 if metadata.examples is None else metadata.examples
        if self._job.kind is TaskKind.TRAIN:
            return Outcome(examples, metadata.metrics, self._update())
        content = read_validation(self.target)
        return Outcome(examples, finite_numbers(content), data=json.dumps(content))

    def _update(self) -> Path | bytes:
        """The updated model: in memory where small, else where it outlasts the desk; who delivers it deletes it."""
        if self.target.stat().st_size <= SMALL:
            return self.target.read_bytes()
        return self.target.rename(self._folder / f"update-{uuid.uuid4().hex}")

    def clear(self) -> None:
        shutil.rmtree(self._scratch, ignore_errors=True)


def _place(content: Path | bytes, target: Path) -> None:
    """Put the model where the entry point reads it: by a hard link, which costs nothing, where one can be made."""
    if isinstance(content, bytes):
        target.write_bytes(content)
        return
    try:
        target.hardlink_to(content)
    except OSError:
        shutil.copyfile(content, target)
