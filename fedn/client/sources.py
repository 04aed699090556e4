"""Where a client's compute package comes from."""

from __future__ import annotations

import logging
import uuid
from pathlib import Path
from typing import Protocol

from fedn.errors import Corrupt, InvalidPackage, NotReady
from fedn.package import archive
from fedn.rpc.http import Http
from fedn.security.digest import md5_file, sha256_file

log = logging.getLogger(__name__)


class Source(Protocol):
    """Brings the archive of a package."""

    def fetch(self, sha256: str) -> Path:
        """The archive to run where the network's package has this digest; blocks.

        Raises:
            NotReady: The network has no package.
            InvalidPackage: It is not the one that this client runs.
        """


class RemoteSource:
    """The network's package, from the reducer by way of a cache.

    Args:
        http: The reducer.
        cache: Folder shared by the clients of this machine.
        checksum: SHA-256 or MD5 that the package must have; empty takes the network's.
    """

    def __init__(self, http: Http, *, cache: Path, checksum: str = "") -> None:
        self._http = http
        self._cache = cache
        self._checksum = checksum.lower()

    def fetch(self, sha256: str) -> Path:
        if not sha256:
            raise NotReady("no compute package is set", hint="the operator uploads one with `fedn package upload`")
        packed = self._cache / f"{sha256}.tgz"
        if not (packed.exists() and sha256_file(packed) == sha256):
            self._download(sha256, packed)
        if self._checksum and self._checksum not in (sha256, md5_file(packed)):
            raise InvalidPackage(
                f"the network's compute package has SHA-256 {sha256}, this client only runs {self._checksum}",
                hint="agree with the operator on the package; then change `checksum` in this client's settings",
            )
        return packed

    def _download(self, sha256: str, packed: Path) -> None:
        packed.parent.mkdir(parents=True, exist_ok=True)
        fresh = packed.with_name(f"{packed.name}.{uuid.uuid4().hex}")
        self._http.download(f"/api/v1/packages/{sha256}/data", fresh)
        if sha256_file(fresh) != sha256:
            fresh.unlink()
            raise Corrupt(f"the compute package arrived changed: it is not {sha256}")
        fresh.replace(packed)
        log.info("fetched compute package %s", sha256[:12])


class LocalSource:
    """The package of a project on this machine, whatever the network's is: for trying out what is being written."""

    def __init__(self, project: Path, *, folder: Path) -> None:
        self._project = project
        self._folder = folder

    def fetch(self, sha256: str) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        return archive.build(self._project, self._folder / "local.tgz")
