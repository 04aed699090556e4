"""The network's compute package."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from fedn.errors import Conflict, InvalidInput, NotFound, NotReady
from fedn.package import archive
from fedn.package.manifest import KNOWN
from fedn.reducer import control, journal
from fedn.reducer.services import Services
from fedn.security.digest import md5_file, sha256_file
from fedn.stores.documents import Control, Package
from fedn.stores.protocols import Change, Put

BUCKET = "fedn-context"

_HELPER = re.compile(r"[\w.-]{0,64}")


def upload(services: Services, source: Path, *, name: str, helper: str = "") -> Package:
    """Check an archive and make it the network's package.

    Args:
        name: File name to keep it under.
        helper: How its models are read and written; empty takes what its manifest says, else what the settings say.

    Raises:
        InvalidPackage: The archive is not one.
        Conflict: The federation is seeded: its package can't be replaced, only uploaded again as it is.
        SessionRunning: A session uses the one that is there.
    """
    manifest = archive.check(source)
    package = Package(
        id=sha256_file(source),
        name=_file_name(name),
        size=source.stat().st_size,
        md5=md5_file(source),
        helper=_helper(helper or manifest.helper or services.settings.helper),
        uploaded_at=time.time(),
        entry_points={entry: point.command for entry, point in manifest.entry_points.items() if entry in KNOWN},
    )
    former = services.state.get(Package, package.id)
    if former is not None and control.read(services.state).package_id == package.id:
        return former
    refuse_replacement(control.read(services.state))
    services.artifacts.put(BUCKET, package.id, source, sha256=package.id)

    def decide(current: Control) -> tuple[Control, tuple[Change, ...]]:
        refuse_replacement(current)
        return replace(current, package_id=package.id, helper=package.helper), (Put(package),)

    control.change(services.state, decide)
    journal.record(services, "package_uploaded", f"compute package {package.name} uploaded", package_id=package.id)
    return package


def refuse_replacement(current: Control) -> None:
    """Conflict, if the package may not be replaced now: the federation is seeded, or a session runs."""
    control.refuse_while_running(current)
    if current.package_id and current.latest_model:
        raise Conflict(
            "the federation is seeded, so that its compute package can't be replaced",
            hint="that keeps foreign code out of it; start a new network, or reset this one with POST /drop_control",
        )


def active(services: Services) -> Package | None:
    """The network's package; None before the first upload."""
    package_id = control.read(services.state).package_id
    return services.state.get(Package, package_id) if package_id else None


def required(services: Services) -> Package:
    """The network's package; NotReady before the first upload."""
    package = active(services)
    if package is None:
        raise NotReady("there is no compute package", hint="upload one with `fedn package upload FILE`")
    return package


def get(services: Services, package_id: str) -> Package:
    """A package that was uploaded once; NotFound."""
    package = services.state.get(Package, package_id)
    if package is None:
        raise NotFound(f"no compute package {package_id!r}", hint="`GET /api/v1/packages` lists them")
    return package


def content(services: Services, package: Package) -> BinaryIO:
    """Its archive, for the caller to close."""
    return services.artifacts.open(BUCKET, package.id)


def _file_name(name: str) -> str:
    """The last part of `name`, harmless in a header; the archive's ending where it has none."""
    plain = re.sub(r"[^\w.-]+", "-", PurePosixPath(name.replace("\\", "/")).name, flags=re.ASCII).strip(".-")[:100]
    return plain if plain.endswith((".tgz", ".tar.gz", ".tar.bz2")) else f"{plain or 'package'}.tgz"


def _helper(name: str) -> str:
    """Any name will do: the helper is the package's affair, and a third party's is installed where clients run."""
    if not _HELPER.fullmatch(name):
        raise InvalidInput(f"{name[:64]!r} is no name of a helper", hint="letters, digits, `_`, `-` and `.`, up to 64")
    return name
