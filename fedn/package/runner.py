"""An unpacked compute package, ready to run.

    work/client/    a copy of the package's code, where its commands run
    work/data       a link to the client's data, when it has any

What an entry point does is its own affair: it is given files, and what counts is its exit status and the file that it
leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from fedn.errors import EntryPointFailed
from fedn.package import archive, environment, process
from fedn.package.manifest import Manifest
from fedn.package.members import DEFAULT_LIMITS, Limits
from fedn.package.process import Output
from fedn.package.results import side_file
from fedn.package.warm import WarmProcess
from fedn.security.digest import sha256_file

HOUR = 3600.0
_NO_ENVIRON: Mapping[str, str] = {}


class Package:
    """A compute package in its work folder. Close it, so that no warm process stays behind.

    Every method that runs an entry point takes `environ`, environment variables for it, and `seconds`, the longest it
    may take (the manifest may say less); each raises InvalidPackage when there is no such entry point, and
    EntryPointFailed, with the end of the output, when it can't be started, fails, takes too long or leaves nothing.
    Cancelling one ends its processes.
    """

    def __init__(self, manifest: Manifest, *, code: Path, env: Mapping[str, str]) -> None:
        self.manifest = manifest
        self._code = code
        self._env = env
        self._warm: dict[str, WarmProcess] = {}

    @classmethod
    async def prepare(
        cls,
        packed: Path,
        work: Path,
        *,
        cache: Path,
        data: Path | None = None,
        limits: Limits = DEFAULT_LIMITS,
        seconds: float = HOUR,
        say: Callable[[str], object] = environment.log.info,
    ) -> Package:
        """Unpack an archive into the folder `work`, and see to its Python environment.

        Args:
            packed: The archive. Comparing its digest is the caller's affair.
            work: Its `client/` and its link `data` are replaced.
            cache: Where Python environments are kept.
            data: The client's data folder, which the package finds as `../data`.
            limits: How much the package may hold.
            seconds: The longest that installing its requirements may take.
            say: Told that they are being installed, when that is so.

        Raises:
            InvalidPackage: The archive, its manifest or its requirements.
            TooLarge: Over `limits`.
        """
        manifest, code = await asyncio.to_thread(_unpack, packed, work, data, limits)
        python = environment.own_python()
        if manifest.requirements or manifest.requirements_file:
            python = await environment.ensure(
                _requirements(manifest, code),
                code=code,
                cache=cache,
                digest=await asyncio.to_thread(sha256_file, packed),
                seconds=seconds,
                say=say,
            )
        return cls(manifest, code=code, env=environment.child_environ(python))

    async def run(
        self,
        name: str,
        in_path: Path,
        out_path: Path,
        *,
        environ: Mapping[str, str] = _NO_ENVIRON,
        seconds: float = HOUR,
    ) -> Output:
        """Run `train`, `validate` or `predict` on a file; it writes `out_path`, and may write the side file beside it.

        What stood at `out_path` is removed first, so that nothing old is taken for an answer.
        """
        entry = self.manifest.entry(name)
        source, target = _absolute(in_path), _fresh(out_path)
        if entry.warm:
            warm = self._warm.get(entry.command)
            if warm is None:
                warm = self._warm[entry.command] = WarmProcess(entry.argv, cwd=self._code, env=self._env)
            output = await warm.run(name, source, target, environ=environ, seconds=min(seconds, entry.seconds))
        else:
            output = await self._run(name, str(source), str(target), environ=environ, seconds=seconds)
        return _expect_file(name, target, output)

    async def startup(self, *, environ: Mapping[str, str] = _NO_ENVIRON, seconds: float = HOUR) -> None:
        """Run the entry point `startup`, if there is one; to be done once, before all others."""
        if "startup" in self.manifest.entry_points:
            await self._run("startup", environ=environ, seconds=seconds)

    async def seed(self, out_path: Path, *, environ: Mapping[str, str] = _NO_ENVIRON, seconds: float = HOUR) -> Output:
        """Have the package write a seed model to `out_path`."""
        target = _fresh(out_path)
        return _expect_file("seed", target, await self._run("seed", str(target), environ=environ, seconds=seconds))

    async def partition(
        self, folder: Path, clients: int, *, environ: Mapping[str, str] = _NO_ENVIRON, seconds: float = HOUR
    ) -> list[Path]:
        """Have the package prepare data for that many clients.

        Returns:
            The clients' data folders, `folder/0` and so on.
        """
        folder = _made(folder)
        output = await self._run("partition", str(folder), str(clients), environ=environ, seconds=seconds)
        parts = [folder / str(client) for client in range(clients)]
        if missing := [part for part in parts if not part.is_dir()]:
            raise EntryPointFailed(f"partition ended well, but did not make {missing[0]}", output=output.text)
        return parts

    async def close(self) -> None:
        """End the warm processes; they get a moment to do so by themselves."""
        await asyncio.gather(*(warm.close() for warm in self._warm.values()))

    async def _run(self, name: str, *arguments: str, environ: Mapping[str, str], seconds: float) -> Output:
        entry = self.manifest.entry(name)
        return await process.run(
            [*entry.argv, *arguments],
            name=f"{name} (`{entry.command}`)",
            cwd=self._code,
            env={**self._env, **environ},
            seconds=min(seconds, entry.seconds),
        )


def _unpack(packed: Path, work: Path, data: Path | None, limits: Limits) -> tuple[Manifest, Path]:
    """The package's manifest, and its code."""
    manifest = archive.extract(packed, work, limits=limits)
    link = work / "data"
    link.unlink(missing_ok=True)
    if data is not None:
        link.symlink_to(data.absolute(), target_is_directory=True)
    return manifest, work.absolute() / archive.CODE


def _absolute(path: Path) -> Path:
    """As a command needs it that runs in another folder."""
    return path.absolute()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder.absolute()


def _fresh(out_path: Path) -> Path:
    """Where an entry point shall write; nothing is there yet."""
    target = out_path.absolute()
    for path in (target, side_file(target)):
        path.unlink(missing_ok=True)
    return target


def _requirements(manifest: Manifest, code: Path) -> Path:
    """The requirements as a file; a list becomes one beside the code."""
    if manifest.requirements_file:
        return code / manifest.requirements_file
    file = code.with_name("requirements.txt")
    file.write_text("\n".join(manifest.requirements) + "\n", encoding="utf-8")
    return file


def _expect_file(name: str, path: Path, output: Output) -> Output:
    if not path.is_file() or path.stat().st_size == 0:
        raise EntryPointFailed(
            f"{name} ended well, but wrote nothing to its OUT",
            hint="the last argument of its command is the path of the file to write",
            output=output.text,
        )
    return output
