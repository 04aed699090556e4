"""What a compute package's processes find around them: their Python, their packages, their environment variables.

A package that names Python requirements gets an environment made for them, kept in a cache under the digest of what it
was made from, and shared by all that ask for the same. FEDn itself is importable there, without its dependencies.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import fedn
from fedn.errors import EntryPointFailed, InvalidPackage
from fedn.package import builder
from fedn.package.process import run

log = logging.getLogger(__name__)

_WITHHELD = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
_PLAIN = re.compile(r"\w")  # a requirement that says all of itself: no option, no path
_NAME = re.compile(r"\w[\w.-]*")  # what follows it may be an address with a password
_REASON = re.compile(r"^\s*error: ", re.MULTILINE | re.IGNORECASE)
_UNREACHED = re.compile(r"^WARNING: Retrying .*$", re.MULTILINE)
_REASON_LINES = 40


def own_python() -> Path:
    """The interpreter that runs this process; that of a package without requirements."""
    return Path(sys.executable)


async def ensure(
    requirements: Path,
    *,
    code: Path,
    cache: Path,
    digest: str,
    seconds: float,
    say: Callable[[str], object] = log.info,
) -> Path:
    """The interpreter of the environment for these requirements, made in `cache` unless it is there.

    Args:
        requirements: A file as pip reads it; paths in it are relative to `code`.
        code: The package's unpacked `client/`.
        cache: Folder of environments, for any number of packages and processes.
        digest: SHA-256 of the package, for requirements that name files in it.
        seconds: The longest that it may take.
        say: Told what is being made, when it is not there.

    Raises:
        InvalidPackage: The requirements can't be installed, with pip's reason. Nothing half-made is left.
    """
    environment = place(requirements, cache=cache, digest=digest)
    python = environment / "bin" / "python3"
    if (environment / "complete").exists():
        return python
    home = Path(fedn.__file__).parent
    names = [match[0] for match in map(_NAME.match, _lines(requirements)) if match]
    say(f"making a Python environment for the package, which may take minutes: {', '.join(names) or requirements.name}")
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
            f"{error.message}\n{_reason(error.output)}",
            hint="check python.requirements in client/fedn.yaml, and the network",
        ) from None
    finally:
        await asyncio.to_thread(builder.clear, environment)
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
    """Where in `cache` the environment for these requirements is, or will be."""
    lines = _lines(requirements)
    parts = [*sorted(lines), sys.version, sys.base_prefix, fedn.__file__]
    if not all(_PLAIN.match(line) for line in lines):
        parts.append(digest)
    return cache.absolute() / hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _lines(requirements: Path) -> list[str]:
    lines = map(str.strip, requirements.read_text("utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _reason(output: str) -> str:
    """What pip says of a failure: all from its first error on, and before it that an index was out of reach."""
    reason = _REASON.search(output)
    lines = output[reason.start() if reason else 0 :].strip().splitlines()[-_REASON_LINES:]
    return "\n".join([*_UNREACHED.findall(output)[-1:], *lines])
