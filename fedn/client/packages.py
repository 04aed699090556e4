"""Work with a compute package: fetched, checked and unpacked once, then run for each task."""

from __future__ import annotations

import asyncio
import json
import shutil
import uuid
from pathlib import Path

from fedn.client.sources import Source
from fedn.client.work import Job, Outcome
from fedn.core.model import TaskKind
from fedn.core.numbers import finite_numbers
from fedn.package.results import Metadata, read_metadata, read_validation
from fedn.package.runner import Package


class PackageWork:
    """Runs the entry points of the network's package.

    Args:
        source: Where the package comes from.
        client: Name of the client, for the entry points to read.
        folder: Of this client alone: the unpacked package and the files of its tasks.
        environments: Folder of Python environments, shared by the clients of this machine.
        data: The client's own data, which the package finds as `../data`.
        task_seconds: The longest that an entry point may take.
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
    ) -> None:
        self._source = source
        self._client = client
        self._folder = folder.absolute()  # entry points run elsewhere
        self._environments = environments
        self._data = data
        self._task_seconds = task_seconds
        self._package: Package | None = None
        self._sha256 = ""

    async def do(self, job: Job) -> Outcome:
        package = await self.prepare(job.package_sha256)
        scratch = self._folder / f"task-{uuid.uuid4().hex}"
        await asyncio.to_thread(scratch.mkdir, parents=True)
        try:
            return await self._run(package, job, scratch)
        finally:
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)

    async def close(self) -> None:
        if self._package is not None:
            await self._package.close()
            self._package = None

    async def _run(self, package: Package, job: Job, scratch: Path) -> Outcome:
        # numpy.savez puts `.npz` behind a name without it, so that a package would write beside its OUT.
        source, target = scratch / "in.npz", scratch / ("out.npz" if job.kind is TaskKind.TRAIN else "out.json")
        await asyncio.to_thread(_place, job.content, source)
        parameters = scratch / "parameters.json"
        parameters.write_text(json.dumps(dict(job.parameters)), encoding="utf-8")
        environ = {
            "FEDN_TASK": job.kind.value,
            "FEDN_CLIENT": self._client,
            "FEDN_SESSION": job.session_id,
            "FEDN_ROUND": str(job.round),
            "FEDN_PARAMETERS": str(parameters),
        }
        if "seed" in job.parameters:
            environ["FEDN_SEED"] = str(job.parameters["seed"])
        output = await package.run(
            job.kind.value, source, target, environ=environ, seconds=min(job.seconds, self._task_seconds)
        )
        metadata = await asyncio.to_thread(read_metadata, target)
        timings = {"exec_training": output.seconds}
        if job.kind is TaskKind.TRAIN:
            # The update leaves the scratch folder, which goes with the task; whoever delivers it deletes it.
            update = self._folder / f"update-{uuid.uuid4().hex}"
            target.rename(update)
            return Outcome(_examples(metadata), metadata.metrics, update, seconds=timings)
        content = await asyncio.to_thread(read_validation, target)
        return Outcome(_examples(metadata), finite_numbers(content), data=json.dumps(content), seconds=timings)

    async def prepare(self, sha256: str) -> Package:
        """Have the network's package of that digest unpacked and ready; another one that was in use is put away."""
        if self._package is None or self._sha256 != sha256:
            await self.close()
            archive = await asyncio.to_thread(self._source.fetch, sha256)
            package = await Package.prepare(
                archive, self._folder / "package", cache=self._environments, data=self._data
            )
            await package.startup(environ={"FEDN_CLIENT": self._client}, seconds=self._task_seconds)
            self._package, self._sha256 = package, sha256
        return self._package


def _examples(metadata: Metadata) -> int:
    """The weight of an answer; 1 where the entry point doesn't say."""
    return 1 if metadata.examples is None else metadata.examples


def _place(content: Path | bytes, target: Path) -> None:
    """Put the model where the entry point reads it: by a hard link, which costs nothing, where one can be made."""
    if isinstance(content, bytes):
        target.write_bytes(content)
        return
    try:
        target.hardlink_to(content)
    except OSError:
        shutil.copyfile(content, target)
