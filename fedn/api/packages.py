"""Compute packages."""

from __future__ import annotations

from pathlib import Path

from fedn.api.calls import Calls, address
from fedn.package import archive
from fedn.stores.documents import Package


class PackageCalls(Calls):
    def packages(self) -> list[Package]:
        """The compute packages."""
        return [Package.from_body(body) for body in self._items("packages")]

    def upload_package(self, path: str | Path, *, name: str = "", helper: str = "") -> Package:
        """Make an archive the network's compute package; the same bytes again are fine. Looked at before it is sent.

        Raises:
            InvalidPackage: Not a compute package.
            Conflict: A federation with a seed model has another one.
        """
        path = Path(path)
        archive.check(path)
        query = {"name": name or path.name, **({"helper": helper} if helper else {})}
        return Package.from_body(self._http.upload(address("packages"), path, **query))
