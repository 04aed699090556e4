"""What a compute package's processes find around them: their Python, their packages, their environment variables.

A package that names Python requirements gets an environment made for them, kept in a cache under the digest of what it
was made from, and shared by all that ask for the same. FEDn itself is importable there, without its dependencies.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from pathlib import Path

import fedn
from fedn.errors import EntryPointFailed, InvalidPackage
from fedn.package import builder
from fedn.package.process import run

_WITHHELD = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
_PLAIN = re.compile(r"\w")  # a requirement that says all of itself: no option, no path


def own_python() -> Path:
    """The interpreter that runs this process; that of a package without requirements."""
    return Path(sys.executable)


async def ensure(requirements: Path, *, code: Path, cache: Path, digest: str, seconds: float) -> Path:
    """The interpreter of the environment for these requirements, made in `cache` unless it is there.

    Args:
        requirements: A file as pip reads it; paths in it are relative to `code`.
        code: The package's unpacked `client/`.
        cache: Folder of environments, for any number of packages and processes.
        digest: SHA-256 of the package, for requirements that name files in it.
        seconds: The longest that it may take.

    Raises:
        InvalidPackage: The requirements can't be installed, with the end of what pip says.
    """
    environment = place(requirements, cache=cache, digest=digest)
    python = environment / "bin" / "python3"
    if (environment / "complete").exists():
        return python
    home = Path(fedn.__file__).parent
    try:
        await run(
            [sys.executable, "-I", builder.__file__, str(environment), str(requirements), str(home)],
            name="installing the package's Python requirements",
            cwd=code,
            env=child_environ(own_python()),
            seconds=seconds,
        )
    except EntryPointFailed as error:
        raise InvalidPackage(
            f"{error.message}\n{error.output}", hint="check python.requirements in client/fedn.yaml, and the network"
        ) from None
    return python


def child_environ(python: Path) -> dict[str, str]:
    """Environment variables for a package's processes: this process's own, with `python` found first.

    Settings of FEDn stay behind, tokens among them, and so does what would mix our packages with theirs. Python prints
    at once, so that the output of a process that is stopped is whole.
    """
    kept = {key: value for key, value in os.environ.items() if key not in _WITHHELD and not key.startswith("FEDN_")}
    path = os.pathsep.join([str(python.parent), kept.get("PATH", os.defpath)])
    return {**kept, "PATH": path, "PYTHONUNBUFFERED": "1"}


def place(requirements: Path, *, cache: Path, digest: str) -> Path:
    lines = sorted(line for line in map(str.strip, requirements.read_text("utf-8").splitlines()) if line)
    lines = [line for line in lines if not line.startswith("#")]
    parts = [*lines, sys.version, sys.base_prefix, fedn.__file__]
    if not all(_PLAIN.match(line) for line in lines):
        parts.append(digest)
    return cache.absolute() / hashlib.sha256("\0".join(parts).encode()).hexdigest()
