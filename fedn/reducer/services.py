"""What a reducer is made of, opened and closed together. Everything else is handed what it needs from here."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass

from fedn.config import ReducerSettings
from fedn.reducer.combiners import Links
from fedn.reducer.feed import Feed
from fedn.reducer.network import Network
from fedn.reducer.tokens import Tokens
from fedn.reducer.trail import Trail
from fedn.reducer.worker import Worker
from fedn.security.tls import Authority
from fedn.stores.lease import Lease
from fedn.stores.opening import open_artifacts, open_state
from fedn.stores.protocols import ArtifactStore, StateStore


@dataclass(frozen=True)
class Services:
    """The parts of one reducer."""

    settings: ReducerSettings
    state: StateStore
    artifacts: ArtifactStore
    authority: Authority
    tokens: Tokens
    feed: Feed
    network: Network
    links: Links
    trail: Trail
    worker: Worker
    _closing: contextlib.ExitStack

    @classmethod
    def open(cls, settings: ReducerSettings) -> Services:
        """Open the stores and start what works in the background. One process at a time may have a data folder open.

        Raises:
            Conflict: Another reducer has this data folder.
            ConfigError: A setting that can't be met.
        """
        folder = settings.data_dir / "reducer"
        with contextlib.ExitStack() as stack:
            lease = Lease(folder)
            stack.callback(lease.release)
            state = stack.enter_context(contextlib.closing(open_state(settings.statestore, data_dir=settings.data_dir)))
            artifacts = stack.enter_context(
                contextlib.closing(open_artifacts(settings.storage, data_dir=settings.data_dir))
            )
            authority = Authority.open(folder, now=time.time())
            tokens = Tokens(folder, network=settings.network_id, fingerprint=authority.fingerprint, state=state)
            feed = Feed()
            stack.callback(feed.close)
            network = Network(state, feed, policy=settings.placement)
            links = stack.enter_context(
                contextlib.closing(
                    Links(network, tokens, authority, state=state, feed=feed, legacy=settings.legacy_clients)
                )
            )
            trail = Trail(state, artifacts)
            worker = stack.enter_context(
                contextlib.closing(Worker(state=state, feed=feed, network=network, links=links, trail=trail))
            )
            worker.start()
            return cls(
                settings=settings,
                state=state,
                artifacts=artifacts,
                authority=authority,
                tokens=tokens,
                feed=feed,
                network=network,
                links=links,
                trail=trail,
                worker=worker,
                _closing=stack.pop_all(),
            )

    def close(self) -> None:
        """Stop the background work, then close the stores. A running session goes on at the next start."""
        self._closing.close()
