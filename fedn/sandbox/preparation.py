"""What a sandbox makes of a compute package before training: its archive, data for the clients, a seed model."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from fedn.errors import InvalidInput, InvalidPackage
from fedn.package import archive
from fedn.package.manifest import Manifest
from fedn.package.runner import Package

T = TypeVar("T")


class Preparation:
    """A package in the sandbox's folder.

    Args:
        source: A project's folder, or an archive.
        folder: Of the sandbox; whatever is made stands there.
        environments: Folder of Python environments, where the clients look for theirs, too.
        seed: For the package's own entry points, as `FEDN_SEED`; None leaves them to their default.
        say: Told that a Python environment is being made.

    Raises:
        InvalidPackage: It isn't one.
    """

    def __init__(
        self, source: Path, folder: Path, *, environments: Path, seed: int | None, say: Callable[[str], object]
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.archive = source if source.is_file() else archive.build(source, folder / "package.tgz")
        self.manifest: Manifest = archive.check(self.archive)
        self._folder = folder
        self._environments = environments
        self._seed = seed
        self._say = say

    @property
    def has_environment(self) -> bool:
        """Whether the package asks for a Python environment of its own."""
        return bool(self.manifest.requirements or self.manifest.requirements_file)

    def make_environment(self) -> None:
        """Make that environment, unless it is there."""
        self._with_package(_nothing)

    def data(self, clients: int, *, given: Path | None) -> list[Path | None]:
        """A data folder for each client, made by the entry point `partition`; none where the package has no such.

        What an earlier run made for as many clients and the same seed is used again.

        Args:
            given: Folder of data folders that are there already, 0, 1, …

        Raises:
            InvalidInput: There are fewer of them than clients.
        """
        if given is not None:
            return [_existing(given / str(number), clients) for number in range(clients)]
        if "partition" not in self.manifest.entry_points:
            return [None] * clients
        target = self._folder / "data" / f"{clients}-clients-seed-{'default' if self._seed is None else self._seed}"
        if not target.exists():
            fresh = target.with_name(f".{target.name}")
            shutil.rmtree(fresh, ignore_errors=True)
            self._with_package(lambda package: package.partition(fresh, clients, environ=self._environ))
            fresh.rename(target)
        return [target / str(number) for number in range(clients)]

    def seed_model(self) -> Path:
        """A seed model, made by the entry point `seed`.

        Raises:
            InvalidPackage: There is none.
        """
        if "seed" not in self.manifest.entry_points:
            raise InvalidPackage("the package has no entry point `seed`", hint="give a seed model with --seed FILE")
        target = self._folder / "seed.npz"
        self._with_package(lambda package: package.seed(target, environ=self._environ))
        return target

    @property
    def _environ(self) -> dict[str, str]:
        return {} if self._seed is None else {"FEDN_SEED": str(self._seed)}

    def _with_package(self, use: Callable[[Package], Awaitable[T]]) -> T:
        async def main() -> T:
            package = await Package.prepare(
                self.archive, self._folder / "work", cache=self._environments, say=self._say
            )
            try:
                return await use(package)
            finally:
                await package.close()

        return asyncio.run(main())


async def _nothing(package: Package) -> None:
    """Preparing the package was all."""


def _existing(folder: Path, clients: int) -> Path:
    if not folder.is_dir():
        raise InvalidInput(
            f"there is no data folder {folder} for one of {clients} clients",
            hint="--data names the folder that holds 0, 1, …; --clients says how many of them to use",
        )
    return folder
