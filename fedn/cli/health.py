"""`fedn health`: whether the role that runs here is well. For health checks of containers and services."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import psutil

from fedn.config import load_member
from fedn.errors import InvalidInput, NotFound, Unavailable
from fedn.rpc.discovery import find_reducer
from fedn.rpc.http import connect

_SECONDS = 5
_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  to dial what listens everywhere


@click.command()
@click.option("--pid", type=int, help="Of the process, where several roles run on this machine.")
@click.option("--data-dir", metavar="FOLDER", help="Data folder of a reducer.  [default: fedn-data]")
def health(*, pid: int | None, data_dir: str | None) -> None:
    """Check the reducer, combiner or client that runs in this container or on this machine.

    A reducer has to answer with the certificate of its own CA, a combiner to complete a TLS handshake, and a client to
    have a connection. Nothing is changed and no token is needed.
    """
    process, role = _running(pid)
    said = _CHECKS[role](process, load_member(None, {"data_dir": data_dir}).data_dir)
    click.echo(f"the {role} is well: {said}")


def _running(pid: int | None) -> tuple[psutil.Process, str]:
    """The process to look at, and its role."""
    found = [(process, role) for process in _processes(pid) if (role := _role(process))]
    if not found:
        raise NotFound("no reducer, combiner or client runs here", hint="start one with `fedn run`")
    if len(found) > 1:
        pids = ", ".join(f"{role} {process.pid}" for process, role in found)
        raise InvalidInput(f"several run here: {pids}", hint="choose one with --pid")
    return found[0]


def _processes(pid: int | None) -> Iterator[psutil.Process]:
    if pid is None:
        yield from psutil.process_iter()
    else:
        with contextlib.suppress(psutil.NoSuchProcess):
            yield psutil.Process(pid)


def _role(process: psutil.Process) -> str:
    """The role that a process runs as `fedn run ROLE` or `python -m fedn run ROLE`; empty for any other process."""
    try:
        words = process.cmdline()
    except psutil.Error:
        return ""
    for program, run, role in zip(words, words[1:], words[2:], strict=False):
        if Path(program).name in ("fedn", "__main__.py") and run == "run" and role in _CHECKS:
            return role
    return ""


def _reducer(process: psutil.Process, data_dir: Path) -> str:
    """The join string that it left says where it listens, and which CA is its own."""
    join = find_reducer("operator", load_member(None, {"data_dir": str(data_dir)}, {}))
    with closing(connect(join)) as http:
        http.get("/api/v1/health")
        return f"{http.base_url} answers"


def _combiner(process: psutil.Process, data_dir: Path) -> str:
    listening = [one.laddr for one in _connections(process) if one.status == psutil.CONN_LISTEN]
    if not listening:
        raise Unavailable("the combiner does not listen yet", hint="its log says what it waits for")
    host, port = listening[0]
    try:  # an address, not a name: a server logs it when it is asked for a name that is not its own
        ssl.get_server_certificate((_HERE.get(host, host), port), timeout=_SECONDS)
    except OSError as error:
        raise Unavailable(f"no TLS on port {port}: {error}", hint="its log may say more") from error
    return f"it answers on port {port}"


def _client(process: psutil.Process, data_dir: Path) -> str:
    if not any(one.status == psutil.CONN_ESTABLISHED for one in _connections(process)):
        raise Unavailable("the client has no connection", hint="its log says what it waits for")
    return "it is connected"


def _connections(process: psutil.Process) -> list[Any]:
    """Its TCP connections and listening sockets."""
    return [one for one in psutil.net_connections("tcp") if one.pid == process.pid]


_CHECKS: Mapping[str, Callable[[psutil.Process, Path], str]] = {
    "reducer": _reducer,
    "combiner": _combiner,
    "client": _client,
}
