"""The reducer's lines to its combiners, one watch each.

The reducer dials; a combiner holds no credentials of the stores. A line that breaks is dialled again until the reducer
closes.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from fedn.errors import FednError, Unavailable
from fedn.proto import fedn_pb2 as pb
from fedn.reducer.feed import Feed, Notice
from fedn.reducer.link import Link
from fedn.reducer.network import Network
from fedn.reducer.patience import Patience
from fedn.reducer.presence import ClientView
from fedn.reducer.tokens import Tokens
from fedn.rpc.retry import backoff
from fedn.security.tls import Authority
from fedn.stores.documents import Client, Combiner, Event
from fedn.stores.protocols import Insert, StateStore

log = logging.getLogger(__name__)

CLOSE_SECONDS = 10.0

POLICY_SECONDS = 30.0
"""How long a combiner is watched at most before it is told the policy again, lest one that was lost stay so."""

_LEVELS = {pb.Status.WARNING: "warning", pb.Status.ERROR: "error", pb.Status.AUDIT: "audit"}


class Links:
    """A line to every combiner that ever announced itself, each watched by a thread of its own."""

    def __init__(
        self,
        network: Network,
        tokens: Tokens,
        authority: Authority,
        *,
        state: StateStore,
        feed: Feed,
        patience: Patience,
        legacy: bool,
    ) -> None:
        self._network = network
        self._tokens = tokens
        self._ca_pem = authority.certificate_pem
        self._state = state
        self._feed = feed
        self._patience = patience
        self._legacy = legacy
        self._lock = threading.Lock()
        self._links: dict[str, Link] = {}
        self._threads: list[threading.Thread] = []
        self._closing = threading.Event()
        for _, document in state.find(Combiner):
            self._watch(document)

    def watch(self, name: str) -> None:
        """Dial a combiner where it announced itself; a line to where it was before is given up."""
        document = self._state.get(Combiner, name)
        if document is not None:
            self._watch(document)

    def _watch(self, document: Combiner) -> None:
        name = document.id
        link = Link(document, tokens=self._tokens, ca_pem=self._ca_pem)
        with self._lock:
            former = self._links.get(name)
            self._links[name] = link
        if former is not None:
            former.close()
        thread = threading.Thread(target=self._keep, args=(link,), name=f"watch-{name}", daemon=True)
        self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        thread.start()

    def get(self, name: str) -> Link:
        """The line to a combiner; Unavailable when it was removed."""
        link = self._links.get(name)
        if link is None:
            raise Unavailable(f"combiner {name} was removed from the network")
        return link

    def give_up(self, name: str) -> None:
        """Have no line to a combiner any more."""
        with self._lock:
            link = self._links.pop(name, None)
        if link is not None:
            link.close()

    def doubt(self, name: str, reason: str) -> None:
        """A call to a combiner broke off: it counts as out of reach until it answers to a new watch."""
        self._network.lost(name, reason)
        link = self._links.get(name)
        if link is not None:
            link.end_watch()

    def push_policy(self, *names: str) -> None:
        """Tell these combiners the policy, or all of them; one that is out of reach is told when it is back."""
        links = [link for name, link in list(self._links.items()) if name in names or not names]
        with ThreadPoolExecutor(max_workers=max(1, len(links))) as threads:
            list(threads.map(self._push, links))

    def _push(self, link: Link) -> None:
        try:
            self._tell(link)
        except FednError as error:
            log.warning("%s was not told the policy: %s", link.peer, error)

    def _tell(self, link: Link) -> None:
        name = link.combiner.id
        self._network.answered(name, round_trip=link.set_policy(partial(self._policy, name)))

    def close(self) -> None:
        self._closing.set()
        for link in list(self._links.values()):
            link.close()
        for thread in self._threads:
            thread.join(CLOSE_SECONDS)

    def _keep(self, link: Link) -> None:
        """Watch one combiner, dialling again whenever the line breaks."""
        name = link.combiner.id
        delays = backoff(longest=5.0)
        while not self._closing.is_set() and self._links.get(name) is link:
            try:
                self._tell(link)
                told = time.monotonic()
                for state in link.watch():
                    if self._links.get(name) is not link:
                        return
                    delays = backoff(longest=5.0)
                    self._take(link, state)
                    if time.monotonic() - told > POLICY_SECONDS:
                        self._tell(link)
                        told = time.monotonic()
                reason = "it closed the line"
            except FednError as error:
                reason = str(error)
            if self._links.get(name) is link and not self._closing.is_set():
                log.warning("%s: %s", link.peer, reason)
                self._network.lost(name, reason)
            self._closing.wait(next(delays))

    def _take(self, link: Link, state: pb.CombinerState) -> None:
        name, now = link.combiner.id, time.time()
        joined = [_client_view(info, name, now) for info in state.clients if info.connected]
        left = [info.name for info in state.clients if not info.connected]
        update = partial(self._network.update, name, joined=joined, left=left, draining=state.draining)
        update(processor=state.processor, memory_bytes=state.memory_bytes, legacy_clients=state.legacy_clients)
        events = [_event(status, name, now) for status in state.log]
        if events:
            self._patience.write_late(*(Insert(event) for event in events))
            for event in events:
                self._feed.publish(Notice("event", data=event.to_body()))

    def _policy(self, name: str) -> pb.CombinerPolicy:
        over = self._tokens.over()
        assigned = (client for _, client in self._state.find(Client, where={"combiner": name}) if client.legacy)
        names = [client.id for client in assigned if client.token_id not in over]
        combiner = self._state.get(Combiner, name)
        return pb.CombinerPolicy(
            revoked_tokens=sorted(self._tokens.revoked),
            legacy_clients=self._legacy,
            legacy_names=names,
            draining=combiner is not None and combiner.draining,
        )


def _client_view(info: pb.ClientInfo, combiner: str, now: float) -> ClientView:
    return ClientView(
        name=info.name,
        combiner=combiner,
        instance=info.instance,
        version=info.version,
        needs_package=info.needs_package,
        legacy=info.legacy,
        processor=info.processor,
        memory_bytes=info.memory_bytes,
        since=now,
        round_trip=info.round_trip if info.HasField("round_trip") else None,
        last_seen=info.last_seen or None,
        leaving=info.leaving,
        address=info.address,
    )


def _event(status: pb.Status, combiner: str, now: float) -> Event:
    """What a client said, or the combiner itself."""
    own = status.sender.role == pb.COMBINER
    return Event(
        id=uuid.uuid4().hex,
        at=now,
        level=_LEVELS.get(status.log_level, "info"),
        kind="combiner_status" if own else "client_status",
        message=status.status,
        source=f"combiner {combiner}" if own else f"client {status.sender.name}",
        data={"combiner": combiner, "type": pb.StatusType.Name(status.type), "data": status.data},
    )
