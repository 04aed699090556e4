"""A federation where it is kept: its settings with both stores open."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from fedn.config import FileStorageSettings, ReducerSettings, SqliteSettings
from fedn.errors import ConfigError, Conflict, InvalidInput, NotFound, Unauthenticated
from fedn.security.join import JoinString
from fedn.security.tokens import read
from fedn.stores.lease import Lease
from fedn.stores.opening import open_artifacts, open_state
from fedn.stores.protocols import ArtifactStore, StateStore
from fedn.stores.transfer import is_empty, takes_load


@dataclass(frozen=True)
class Place:
    """Two stores, and the data folder with the keys."""

    settings: ReducerSettings
    state: StateStore
    artifacts: ArtifactStore
    lost: threading.Event = field(default_factory=threading.Event)
    """Set when another took the lead."""

    @property
    def folder(self) -> Path:
        """Where the keys are."""
        return keys_of(self.settings)

    def lead(self) -> None:
        """Keep reducers off the stores; Conflict while one is on them."""
        try:
            self.state.lead(f"fedn store, process {os.getpid()} on {socket.gethostname()}", on_lost=self.lost.set)
        except Conflict as error:
            raise Conflict(error.message, hint=f"stop that reducer for the time; {error.hint}") from error

    def check_lead(self) -> None:
        """Conflict when another took the lead meanwhile."""
        if self.lost.is_set():
            raise Conflict("another process took the lead of the state store meanwhile", hint="stop it, and try again")

    def require_empty(self) -> None:
        """Conflict when there are documents."""
        if not takes_load(self.state):
            raise Conflict(
                f"there is a federation already in {describe(self.settings)}",
                hint="choose another network, or empty it yourself",
            )

    def require_documents(self) -> None:
        """NotFound when there are none."""
        if is_empty(self.state):
            raise nothing_in(self.settings)


def keys_of(settings: ReducerSettings) -> Path:
    """The folder of a reducer's keys."""
    return settings.data_dir / "reducer"


def embedded(settings: ReducerSettings, data_dir: Path) -> ReducerSettings:
    """The same network, with everything in a data folder."""
    return replace(settings, data_dir=data_dir, statestore=SqliteSettings(), storage=FileStorageSettings())


def describe(settings: ReducerSettings) -> str:
    """Where a federation's state is, for people."""
    kind = settings.statestore
    if isinstance(kind, SqliteSettings):
        return str(settings.data_dir / kind.path)
    return f"the database {settings.network_id} of {kind.host}"


def nothing_in(settings: ReducerSettings) -> NotFound:
    return NotFound(
        f"there is no federation in {describe(settings)}", hint="check --data-dir, and the settings file of the reducer"
    )


def require_state(settings: ReducerSettings) -> None:
    """NotFound when the embedded store has no file, before opening makes one."""
    kind = settings.statestore
    if isinstance(kind, SqliteSettings) and not (settings.data_dir / kind.path).exists():
        raise nothing_in(settings)


def check_network(settings: ReducerSettings) -> None:
    """ConfigError when the data folder is that of a network of another name: its tokens would be good no more."""
    try:
        text = (settings.data_dir / "join" / "operator").read_text(encoding="utf-8", errors="replace")
        network = read(JoinString.parse(text).token).network
    except (OSError, InvalidInput, Unauthenticated):
        return  # nothing there says otherwise
    if network != settings.network_id:
        raise ConfigError(
            f"{settings.data_dir} is of the network {network}, and the settings say {settings.network_id}",
            hint=f"set network_id to {network}: tokens carry it",
        )


@contextlib.contextmanager
def alone(*folders: Path) -> Iterator[None]:
    """Keep reducers out of these data folders meanwhile; Conflict while one is in there.

    A folder that was empty, or not there, is so again where the block fails.
    """
    with contextlib.ExitStack() as stack:
        for folder in dict.fromkeys(folder.resolve() for folder in folders):
            stack.enter_context(_alone(folder))
        yield


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        lease = Lease(folder)
    except Conflict as error:
        raise Conflict(error.message, hint="stop that reducer for the time") from error
    with lease:
        was_empty = all(path.name == "lock" for path in folder.iterdir())
        try:
            yield
        except BaseException:
            if was_empty:
                remove(*(folder.iterdir() if folder.exists() else ()))
                with contextlib.suppress(OSError):  # somebody has put something there
                    for path in made:
                        path.rmdir()
            raise


def remove(*paths: Path) -> None:
    """Remove files, and folders with all that is in them."""
    for path in paths:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextlib.contextmanager
def opened(settings: ReducerSettings, *, state: StateStore | None = None, make: bool = True) -> Iterator[Place]:
    """Open both stores.

    Args:
        state: A state store that is open already; it stays so.
        make: Whether to make what is missing. Without it nothing is changed: a reducer may be at work on them.
    """
    network_id, data_dir = settings.network_id, settings.data_dir
    with contextlib.ExitStack() as stack:
        if state is None:
            state = open_state(settings.statestore, network_id=network_id, data_dir=data_dir, make=make)
            stack.callback(state.close)
        artifacts = open_artifacts(settings.storage, network_id=network_id, data_dir=data_dir, make=make)
        stack.callback(artifacts.close)
        yield Place(settings, state, artifacts)
