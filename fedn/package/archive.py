"""A compute package as one file: built the same from the same content, checked, and unpacked without trust.

An archive is a tar file compressed with gzip or bzip2, its code in the top folder `client/`. What stands outside that
folder is checked like the rest and not unpacked.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import IO

from fedn.errors import InvalidInput, InvalidPackage, TooLarge
from fedn.package.manifest import Manifest
from fedn.package.members import DEFAULT_LIMITS, Limits, read_members

CODE = PurePosixPath("client")
MANIFEST = CODE / "fedn.yaml"
_SKIPPED = ("__pycache__", ".git")
_MANIFEST_BYTES = 1 << 16


def build(project: Path, target: Path, *, limits: Limits = DEFAULT_LIMITS) -> Path:
    """Pack `project/client/` into `target`, a `.tar.gz` or `.tgz`: byte for byte the same for the same files.

    Leaves out `__pycache__`, `.git` and `*.pyc`. The target appears whole or not at all.

    Raises:
        InvalidInput: `target` has another ending.
        InvalidPackage: No `client/fedn.yaml`, one that is wrong, or a link or device among the files.
        TooLarge: Over `limits`.
    """
    if not target.name.endswith((".tar.gz", ".tgz")):
        raise InvalidInput(f"{target.name} is no name for a compute package", hint="end it in .tar.gz or .tgz")
    if not (project / MANIFEST).is_file():
        raise InvalidPackage(f"{project} has no {MANIFEST}", hint="name the folder that holds client/")
    with tempfile.TemporaryDirectory(prefix=".package-", dir=target.parent) as scratch:
        built = Path(scratch) / target.name
        with (
            built.open("wb") as file,
            gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            for path in sorted((project / CODE).rglob("*")):
                _add(tar, path, PurePosixPath(path.relative_to(project)))
        check(built, limits=limits)
        built.replace(target)
    return target


def check(archive: Path, *, limits: Limits = DEFAULT_LIMITS) -> Manifest:
    """Read the whole archive and unpack nothing.

    Returns:
        Its manifest.

    Raises:
        InvalidPackage: Not a readable archive, no `client/fedn.yaml` or one that is wrong, a link or device,
            a path that leads out of the archive, or two members of one name.
        TooLarge: Over `limits`; noticed while reading, whatever the archive says of itself.
    """
    return _read(archive, limits, into=None)


def extract(archive: Path, folder: Path, *, limits: Limits = DEFAULT_LIMITS) -> Manifest:
    """Unpack `client/` of the archive to `folder/client`, in place of one that is there; checks as `check` does.

    When it fails, `folder` is as it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".client-", dir=folder) as scratch:
        manifest = _read(archive, limits, into=Path(scratch))
        if (folder / CODE).exists():
            shutil.rmtree(folder / CODE)
        (Path(scratch) / CODE).rename(folder / CODE)
    return manifest


def _add(tar: tarfile.TarFile, path: Path, name: PurePosixPath) -> None:
    if path.suffix == ".pyc" or any(part in _SKIPPED for part in name.parts):
        return
    if path.is_symlink() or not (path.is_file() or path.is_dir()):
        raise InvalidPackage(f"{name} is a link or device, which a compute package can't hold", hint="copy the file")
    member = tarfile.TarInfo(str(name))
    if path.is_dir():
        member.type, member.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(member)
        return
    with path.open("rb") as file:
        member.size = os.fstat(file.fileno()).st_size
        member.mode = 0o755 if os.access(path, os.X_OK) else 0o644
        tar.addfile(member, file)


def _read(archive: Path, limits: Limits, *, into: Path | None) -> Manifest:
    manifest = None
    names: set[PurePosixPath] = set()
    for member in read_members(archive, limits=limits):
        names.add(member.path)
        content = member.content
        if member.path == MANIFEST and content is not None:
            text = content.read(_MANIFEST_BYTES + 1)
            if len(text) > _MANIFEST_BYTES:
                raise TooLarge(f"{MANIFEST} is over {_MANIFEST_BYTES} bytes")
            manifest = Manifest.parse(text, source=str(MANIFEST))
            content = io.BytesIO(text)
        if into is not None and CODE in (member.path, *member.path.parents):
            _write(into / member.path, content, executable=member.executable)
    if manifest is None:
        elsewhere = sorted(str(name) for name in names if name.name == MANIFEST.name)
        raise InvalidPackage(
            f"{archive.name} has no {MANIFEST}" + (f", but {elsewhere[0]}" if elsewhere else ""),
            hint="a package's code and its fedn.yaml stand in a folder client/ at the top of the archive",
        )
    if manifest.requirements_file and CODE / manifest.requirements_file not in names:
        raise InvalidPackage(f"{MANIFEST} names {manifest.requirements_file}, which is not in the package")
    return manifest


def _write(path: Path, content: IO[bytes] | None, *, executable: bool) -> None:
    """Make a file, or the folder where there is no content."""
    if content is None:
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        shutil.copyfileobj(content, file)
    path.chmod(0o755 if executable else 0o644)
