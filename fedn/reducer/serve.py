"""A reducer as a process: its services behind its web server."""

from __future__ import annotations

import contextlib
import errno
import logging
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from fedn.config import ReducerSettings
from fedn.errors import ConfigError, InvalidInput
from fedn.reducer import context, uploads
from fedn.reducer.app import create_app
from fedn.reducer.joining import leave_join_strings
from fedn.reducer.services import Services
from fedn.reducer.wsgi import Server
from fedn.security import private
from fedn.security.tls import Authority, local_names, new_key_and_request

log = logging.getLogger(__name__)


def run(settings: ReducerSettings) -> None:
    """Run a reducer until SIGTERM or SIGINT.

    Raises:
        ConfigError: The port is in use, or another setting can't be met.
        Conflict: Another reducer has this data folder.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with serving(settings) as (_, port):
        log.info("the reducer of %s listens on %s:%d", settings.network_id, settings.host, port)
        if settings.legacy_clients:
            log.warning("clients of 2021 are let in: they give no token to combiners, where those let them in, too")
        stop.wait()
        log.info("the reducer stops")


@contextlib.contextmanager
def serving(settings: ReducerSettings) -> Iterator[tuple[Services, int]]:
    """A reducer that serves from threads of its own within the block: its services and its port."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(_listen(settings.host, settings.port))
        port = int(listener.getsockname()[1])
        services = stack.enter_context(contextlib.closing(Services.open(settings)))
        folder = uploads.folder(settings.data_dir)
        shutil.rmtree(folder, ignore_errors=True)  # uploads that a killed process left
        folder.mkdir(mode=0o700)
        app = create_app(services)
        certificate, key = _certify(services.authority, settings)
        server = Server(listener, app, certificate=certificate, key=key)
        leave_join_strings(services, port=port)
        server.prepare()
        stack.callback(server.stop)
        with app.app_context():
            stack.callback(context.watchers().close)  # before the server waits for them to end
        threading.Thread(target=server.serve, name="web-server", daemon=True).start()
        yield services, port


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, dualstack_ipv6=host == "::")
    except socket.gaierror as error:
        raise ConfigError(f"host: {host!r} is no address: {error.strerror}") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            problem = f"port {port} on {host} is in use"
            hint = "stop what listens there, or choose another with --port; 0 takes any free one"
        else:
            problem, hint = f"can't listen on port {port} of {host}: {error.strerror}", "choose another host or port"
        raise ConfigError(problem, hint=hint) from error
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _certify(authority: Authority, settings: ReducerSettings) -> tuple[Path, Path]:
    """A fresh server certificate for all names of this machine, and its key: as files, for `ssl` reads nothing else."""
    wildcard = settings.host in ("0.0.0.0", "::")  # noqa: S104  that is what is looked for
    names = dict.fromkeys((*local_names(), *settings.names, *(() if wildcard else (settings.host,))))
    key_pem, csr_pem = new_key_and_request("FEDn reducer")
    try:
        certificate_pem = authority.sign_request(csr_pem, names=tuple(names), now=time.time())
    except InvalidInput as error:
        raise ConfigError(f"names: {error.message}", hint="list host names and IP addresses") from error
    certificate, key = (settings.data_dir / "reducer" / name for name in ("server.pem", "server.key"))
    private.write(certificate, certificate_pem)
    private.write(key, key_pem)
    return certificate, key
