"""A reducer as a process: its services behind its web server."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import faulthandler
import logging
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator

from fedn.config import ReducerSettings
from fedn.errors import ConfigError, Conflict, Unavailable
from fedn.reducer import context
from fedn.reducer.app import create_app
from fedn.reducer.joining import leave_join_strings
from fedn.reducer.patience import Patience
from fedn.reducer.renewal import certify, renewing
from fedn.reducer.services import Services
from fedn.reducer.wsgi import Server

log = logging.getLogger(__name__)

_FILES = 1 << 16
"""How many files and connections the process may have open, where the system lets it."""

CLOSE_SECONDS = 30.0
"""How long a reducer that was told to stop may take to end in order. It can be cut off at any moment without a loss."""


def run(settings: ReducerSettings) -> None:
    """Run a reducer until SIGTERM or SIGINT. Soon after that its process is over, whatever hangs.

    Raises:
        ConfigError: The port is in use, or another setting can't be met.
        Conflict: Another reducer has this data folder, or leads the network.
    """
    _raise_limit_of_files()
    asyncio.run(_attended(settings))


async def _attended(settings: ReducerSettings) -> None:
    """Run it in another thread: this one, the only one that Python tells of signals, does nothing but take them.

    Were it to wait for a lock, a signal that came just before would go unheard until the next.
    """
    over, stop, patience = threading.Event(), threading.Event(), Patience()

    def end() -> None:
        if stop.is_set():
            return  # whoever tells it twice doesn't give it more time
        # Says where each thread is, and exits with status 1; it needs no thread of Python's for that.
        faulthandler.dump_traceback_later(CLOSE_SECONDS, exit=True, file=sys.__stderr__ or 2)
        stop.set()
        over.set()
        patience.end()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end)
    try:
        await asyncio.to_thread(_run, settings, over, patience)
    except Unavailable:
        if not stop.is_set():
            raise  # else it was told to stop while it waited
    else:
        if not stop.is_set():
            raise Conflict(
                f"another reducer leads {settings.network_id}",
                hint="this one lost touch with the state store for too long; start it anew, with standby: true to wait",
            )


def _run(settings: ReducerSettings, over: threading.Event, patience: Patience) -> None:
    with serving(settings, patience=patience, on_lost=over.set) as (_, port):
        log.info("the reducer of %s listens on %s:%d", settings.network_id, settings.host, port)
        if settings.legacy_clients:
            log.warning("clients of 2021 are let in: they give no token to combiners, where those let them in, too")
        over.wait()
        log.info("the reducer stops")


@contextlib.contextmanager
def serving(
    settings: ReducerSettings, *, patience: Patience | None = None, on_lost: Callable[[], None] = lambda: None
) -> Iterator[tuple[Services, int]]:
    """A reducer that serves from threads of its own within the block: its services and its port.

    It listens once it leads. See `Services.open` for what it waits for before, and the arguments.
    """
    patience = patience or Patience()
    with contextlib.ExitStack() as stack:
        if not settings.standby:  # say at once that the port is taken; on standby, who leads may have it until then
            _listen(settings.host, settings.port).close()
        services = stack.enter_context(contextlib.closing(Services.open(settings, patience=patience, on_lost=on_lost)))
        listener = stack.enter_context(_listen(settings.host, settings.port))
        port = int(listener.getsockname()[1])
        app = create_app(services)
        certificate, key = certify(services.authority, settings)
        server = Server(listener, app, certificate=certificate, key=key)
        patience.keep(lambda: leave_join_strings(services, port=port))
        server.prepare()
        stack.callback(server.stop)
        stack.enter_context(renewing(server, certificate, authority=services.authority, settings=settings))
        with app.app_context():
            stack.callback(context.watchers().close)  # before the server waits for them to end
        threading.Thread(target=server.serve, name="web-server", daemon=True).start()
        yield services, port


def _raise_limit_of_files() -> None:
    """Each peer takes one. Systems give 1024 at first, for programs of old, and far more to those that ask."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


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
