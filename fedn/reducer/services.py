"""What a reducer is made of, opened and closed together. Everything else is handed what it needs from here."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from fedn.config import FileStorageSettings, ReducerSettings, SqliteSettings
from fedn.errors import Conflict, Unavailable
from fedn.reducer import identity
from fedn.reducer.combiners import Links
from fedn.reducer.feed import Feed
from fedn.reducer.monitoring import Monitor
from fedn.reducer.network import Network
from fedn.reducer.patience import Patience
from fedn.reducer.places import Places
from fedn.reducer.plots.gists import Gists
from fedn.reducer.running import Running
from fedn.reducer.tokens import Tokens
from fedn.reducer.trail import Trail
from fedn.reducer.worker import Worker
from fedn.rpc.retry import backoff
from fedn.security.tls import Authority
from fedn.stores.lease import Lease
from fedn.stores.opening import open_artifacts, open_state
from fedn.stores.protocols import ArtifactStore, StateStore

log = logging.getLogger(__name__)

T = TypeVar("T")

STANDBY_SECONDS = 2.0
"""How long a reducer on standby goes at most without looking whether it may lead."""


@dataclass(frozen=True)
class Services:
    """The parts of one reducer."""

    settings: ReducerSettings
    state: StateStore
    artifacts: ArtifactStore
    authority: Authority
    tokens: Tokens
    feed: Feed
    running: Running
    network: Network
    links: Links
    trail: Trail
    worker: Worker
    patience: Patience
    gists: Gists
    places: Places | None
    """Where addresses are; None without a database of that."""
    scratch: Path
    """Folder of what requests and rounds need for a while: on the disk of the data folder, as `/tmp` may be memory."""
    _closing: contextlib.ExitStack

    @classmethod
    def open(
        cls,
        settings: ReducerSettings,
        *,
        patience: Patience | None = None,
        on_lost: Callable[[], None] = lambda: None,
    ) -> Services:
        """Open the stores, take the lead of the network, and start what works in the background.

        A store on a server of its own that can't be reached is waited for; with the setting `standby`, so is the end
        of another reducer that leads. Whoever ends `patience` meanwhile ends the waiting.

        Args:
            on_lost: Called from some thread when another reducer leads; this one works no more.

        Raises:
            Conflict: Another reducer has this data folder, or leads the network.
            ConfigError: A setting that can't be met.
            Unavailable: A store is out of reach.
        """
        folder = settings.data_dir / "reducer"
        network_id, data_dir = settings.network_id, settings.data_dir
        patience = patience or Patience()
        worker: Worker | None = None

        def lost() -> None:
            log.error("another reducer leads %s now: this one works no more", network_id)
            patience.end()
            if worker is not None:
                worker.leave()
            on_lost()

        with contextlib.ExitStack() as stack:
            places = Places(settings.geoip_database) if settings.geoip_database else None
            if places is not None:
                stack.callback(places.close)
            lease = _in_turn(lambda: Lease(folder), settings, patience)
            stack.callback(lease.release)
            scratch = folder / "tmp"
            shutil.rmtree(scratch, ignore_errors=True)  # what a killed process left
            scratch.mkdir(mode=0o700)
            state = patience.open(
                "state store",
                lambda: open_state(settings.statestore, network_id=network_id, data_dir=data_dir),
                wait=not isinstance(settings.statestore, SqliteSettings),
            )
            stack.callback(state.close)
            artifacts = patience.open(
                "artifact store",
                lambda: open_artifacts(settings.storage, network_id=network_id, data_dir=data_dir),
                wait=not isinstance(settings.storage, FileStorageSettings),
            )
            stack.callback(artifacts.close)
            stack.callback(patience.close)
            patience.keep(lambda: identity.check_keys(folder, state))  # rather now than when it is to take over
            holder = f"{socket.gethostname()}, process {os.getpid()}"
            _in_turn(lambda: patience.keep(lambda: state.lead(holder, on_lost=lost)), settings, patience)
            authority = patience.keep(lambda: identity.open_authority(folder, state))
            patience.keep(lambda: identity.check_models(settings, state, artifacts))
            tokens = patience.keep(
                lambda: Tokens(folder, network=network_id, fingerprint=authority.fingerprint, state=state)
            )
            feed = Feed()
            stack.callback(feed.close)
            running = Running(feed)
            patience.record(state, feed)
            network = patience.keep(lambda: Network(state, feed, policy=settings.placement))
            links = patience.keep(
                lambda: Links(
                    network,
                    tokens,
                    authority,
                    state=state,
                    feed=feed,
                    patience=patience,
                    legacy=settings.legacy_clients,
                )
            )
            stack.callback(links.close)
            trail = Trail(state, artifacts, scratch=scratch)
            worker = Worker(state=state, feed=feed, network=network, links=links, trail=trail, patience=patience)
            stack.callback(worker.close)
            worker.start()
            monitor = Monitor(state, network, seconds=settings.monitor_seconds)
            stack.callback(monitor.close)
            monitor.start()
            return cls(
                settings=settings,
                state=state,
                artifacts=artifacts,
                authority=authority,
                tokens=tokens,
                feed=feed,
                running=running,
                network=network,
                links=links,
                trail=trail,
                worker=worker,
                patience=patience,
                gists=Gists(state),
                places=places,
                scratch=scratch,
                _closing=stack.pop_all(),
            )

    def close(self) -> None:
        """Stop the background work, then close the stores. A running session goes on at the next start."""
        self._closing.close()


def _in_turn(take: Callable[[], T], settings: ReducerSettings, patience: Patience) -> T:
    """What `take` returns; on standby once nobody else has it.

    Raises:
        Conflict: Another has it, and this reducer is no standby.
        Unavailable: It was to end while it waited.
    """
    told = ""
    for delay in backoff(longest=STANDBY_SECONDS):
        try:
            taken = take()
        except Conflict as conflict:
            if not settings.standby:
                raise
            if conflict.message != told:
                told = conflict.message
                log.info("on standby: %s", told)
            if not patience.pause(delay):
                raise Unavailable(f"the reducer ends while it is on standby: {told}") from conflict
        else:
            if told:
                log.info("this reducer takes over")
            return taken
    raise AssertionError("back-off has no end")
