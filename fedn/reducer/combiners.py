"""The reducer's lines to its combiners: one watch each, and the rounds.

The reducer dials; a combiner holds no credentials of the stores. A line that breaks is dialled again until the reducer
closes.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fedn.core.model import File, RoundPlan
from fedn.errors import FednError, Unavailable
from fedn.proto import fedn_pb2 as pb
from fedn.proto import fedn_pb2_grpc as rpc
from fedn.reducer.feed import Feed, Notice
from fedn.reducer.network import ClientView, Network
from fedn.reducer.patience import Patience
from fedn.reducer.tokens import Tokens
from fedn.rpc import codec
from fedn.rpc.channel import Metadata, bearer, dial
from fedn.rpc.chunks import download
from fedn.rpc.retry import backoff
from fedn.rpc.status import CallError, from_rpc_error
from fedn.security.tls import Authority
from fedn.stores.documents import Client, Combiner, Event
from fedn.stores.protocols import Insert, StateStore

log = logging.getLogger(__name__)

CALL_SECONDS = 10.0

GRACE_SECONDS = 10.0
"""How much longer than its round a call to run it may take: staging before, the partial after."""

_LEVELS = {pb.Status.WARNING: "warning", pb.Status.ERROR: "error", pb.Status.AUDIT: "audit"}


class RoundCall:
    """A round that runs at one combiner. `cancel` from any thread ends it."""

    def __init__(self, call: Any, *, peer: str) -> None:
        self._call = call
        self._peer = peer

    def events(self) -> Iterator[pb.RoundEvent]:
        """Progress, then the result; raises what broke the round off."""
        try:
            yield from self._call
        except CallError as error:
            raise from_rpc_error(error, peer=self._peer) from error

    def cancel(self) -> None:
        self._call.cancel()


class Link:
    """The line to one combiner at one address. Its methods raise the errors of the tree."""

    def __init__(self, combiner: Combiner, *, tokens: Tokens, ca_pem: bytes) -> None:
        self.combiner = combiner
        self._tokens = tokens
        self._channel = dial(combiner.host, combiner.port, ca_pem=ca_pem)
        self._rounds = rpc.RoundsStub(self._channel)
        self._models = rpc.ModelServiceStub(self._channel)
        self._watching: Any = None
        self._telling = threading.Lock()

    @property
    def peer(self) -> str:
        return f"combiner {self.combiner.id} ({self.combiner.host}:{self.combiner.port})"

    def set_policy(self, policy: Callable[[], pb.CombinerPolicy]) -> None:
        """Tell the policy as `policy` says it is now. One after the other: none may arrive after a newer one."""
        with self._telling, self._mapped():
            self._rounds.SetPolicy(policy(), metadata=self._metadata(), timeout=CALL_SECONDS)

    def watch(self) -> Iterator[pb.CombinerState]:
        """The whole state of the combiner, then what changes; until the line breaks, or `end_watch`."""
        with self._mapped():
            self._watching = self._rounds.Watch(pb.WatchRequest(), metadata=self._metadata())
            yield from self._watching

    def end_watch(self) -> None:
        if self._watching is not None:
            self._watching.cancel()

    def run(self, plan: RoundPlan, *, model_data: bytes) -> RoundCall:
        """Start a round; its call ends by itself a while after the round's time, whatever the combiner does."""
        message = codec.plan_to_message(plan, model_data)
        with self._mapped():
            call = self._rounds.Run(message, metadata=self._metadata(), timeout=plan.seconds + GRACE_SECONDS)
        return RoundCall(call, peer=self.peer)

    def fetch(self, file: File, target: Path) -> None:
        """Download a partial."""
        with self._mapped():
            download(self._models.Download(pb.ModelRequest(id=file.id), metadata=self._metadata()), target, file)

    def close(self) -> None:
        self._channel.close()

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except CallError as error:
            raise from_rpc_error(error, peer=self.peer) from error
        except ValueError as error:  # what grpc raises on a channel that was closed
            raise Unavailable(f"{self.peer} was given up") from error

    def _metadata(self) -> Metadata:
        return bearer(self._tokens.for_call(self.combiner.id))


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
        return self._links[name]

    def doubt(self, name: str, reason: str) -> None:
        """A call to a combiner broke off: it counts as out of reach until it answers to a new watch."""
        self._network.lost(name, reason)
        self._links[name].end_watch()

    def push_policy(self) -> None:
        """Tell every combiner which tokens are revoked; one that is out of reach is told when it is back."""
        links = list(self._links.values())
        with ThreadPoolExecutor(max_workers=max(1, len(links))) as threads:
            list(threads.map(self._push, links))

    def _push(self, link: Link) -> None:
        try:
            link.set_policy(partial(self._policy, link.combiner.id))
        except FednError as error:
            log.warning("%s was not told the policy: %s", link.peer, error)

    def close(self) -> None:
        self._closing.set()
        for link in list(self._links.values()):
            link.close()
        for thread in self._threads:
            thread.join(CALL_SECONDS)

    def _keep(self, link: Link) -> None:
        """Watch one combiner, dialling again whenever the line breaks."""
        name = link.combiner.id
        delays = backoff(longest=5.0)
        while not self._closing.is_set() and self._links[name] is link:
            try:
                link.set_policy(partial(self._policy, name))
                for state in link.watch():
                    if self._links[name] is not link:
                        return
                    delays = backoff(longest=5.0)
                    self._take(link, state)
                reason = "it closed the line"
            except FednError as error:
                reason = str(error)
            if self._links[name] is link and not self._closing.is_set():
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
        return pb.CombinerPolicy(
            revoked_tokens=sorted(self._tokens.revoked), legacy_clients=self._legacy, legacy_names=names
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
    )


def _event(status: pb.Status, combiner: str, now: float) -> Event:
    return Event(
        id=uuid.uuid4().hex,
        at=now,
        level=_LEVELS.get(status.log_level, "info"),
        kind="client_status",
        message=status.status,
        source=f"client {status.sender.name}",
        data={"combiner": combiner, "type": pb.StatusType.Name(status.type), "data": status.data},
    )
