"""Whether this machine is one that FEDn can run on."""

from __future__ import annotations

import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psutil

from fedn.cli.checks import Finding, fail, ok, warn
from fedn.config import CombinerSettings, MongoSettings, ReducerSettings, S3Settings, Settings

_PYTHON = (3, 10)
_BASE = ("click", "cryptography", "grpc", "httpx", "jwt", "numpy", "psutil", "rich", "yaml", "google.protobuf")
_SERVER = ("apiflask", "cheroot", "flask", "pydantic")
_MONGO, _S3 = ("pymongo",), ("minio",)
_LITTLE, _TOO_LITTLE = 1 << 30, 100 << 20
"""Bytes of free space."""


def machine(settings: Settings) -> Iterator[Finding]:
    """Check this machine for a role with these settings."""
    yield _python()
    yield from _dependencies(settings)
    yield _folder(settings.data_dir)
    if isinstance(settings, ReducerSettings):
        yield _port(settings.host, settings.port)
    elif isinstance(settings, CombinerSettings):
        yield _port(settings.bind, settings.port)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _PYTHON:
        wanted = ".".join(map(str, _PYTHON))
        return fail("python", f"this is Python {version}", f"install Python {wanted} or newer")
    return ok("python", f"Python {version}")


def _dependencies(settings: Settings) -> Iterator[Finding]:
    if missing := _missing(_BASE):
        yield fail("dependencies", f"not installed: {missing}", "pip install fedn, in this environment")
    else:
        yield ok("dependencies", "all are installed")
    is_reducer = isinstance(settings, ReducerSettings)
    if missing := _missing((*_SERVER, *_stores(settings))):
        finding = fail if is_reducer else warn
        yield finding("server", f"no reducer can run here, not installed: {missing}", "pip install 'fedn[server]'")
    else:
        yield ok("server", "a reducer can run here")


def _stores(settings: Settings) -> Iterator[str]:
    """What the stores that the settings choose are reached with."""
    if isinstance(settings, ReducerSettings):
        yield from _MONGO if isinstance(settings.statestore, MongoSettings) else ()
        yield from _S3 if isinstance(settings.storage, S3Settings) else ()


def _missing(names: tuple[str, ...]) -> str:
    return ", ".join(name for name in names if find_spec(name.partition(".")[0]) is None)


def _folder(folder: Path) -> Finding:
    """Write into the data folder, or where it would be made."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        hint = "choose another with --data-dir, or change its owner"
        return fail("data folder", f"{there} can't be written: {error.strerror}", hint)
    free = shutil.disk_usage(there).free
    text = f"{folder} is writable, {free / 2**30:.1f} GiB are free"
    if free < _TOO_LITTLE:
        return fail("data folder", text, "make room, or choose another with --data-dir")
    if free < _LITTLE:
        return warn("data folder", text, "make room: models and packages are kept there")
    return ok("data folder", text)


def _port(host: str, port: int) -> Finding:
    """Whether the role could listen there."""
    if port == 0:
        return ok("port", "any free port")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            text = f"port {port} of {host} can't be had: {error.strerror}{_holder(port)}"
            return warn("port", text, "unless this is the role itself, stop it, or choose another port with --port")
    return ok("port", f"port {port} is free")


def _holder(port: int) -> str:
    """The process that listens on a port, as far as this user may see it."""
    try:
        listening = [one for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN and one.pid]
        process = next(psutil.Process(one.pid) for one in listening if getattr(one.laddr, "port", 0) == port)
        return f" (process {process.pid}: {' '.join(process.cmdline())[:80]})"
    except (psutil.Error, StopIteration):
        return ""
