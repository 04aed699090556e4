"""The reducer's line to one combiner: the calls over it, and the rounds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fedn.core.model import File, Presigned, RoundPlan
from fedn.errors import Unavailable
from fedn.proto import fedn_pb2 as pb
from fedn.proto import fedn_pb2_grpc as rpc
from fedn.reducer.tokens import Tokens
from fedn.rpc import codec
from fedn.rpc.channel import Metadata, bearer, dial
from fedn.rpc.chunks import download
from fedn.rpc.status import CallError, from_rpc_error
from fedn.stores.documents import Combiner

CALL_SECONDS = 10.0

GRACE_SECONDS = 10.0
"""How much longer than its round a call to run it may take: staging before, the partial after."""


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
        self._connector = rpc.ConnectorStub(self._channel)
        self._watching: Any = None
        self._telling = threading.Lock()

    @property
    def peer(self) -> str:
        return f"combiner {self.combiner.id} ({self.combiner.host}:{self.combiner.port})"

    def set_policy(self, policy: Callable[[], pb.CombinerPolicy]) -> float:
        """Tell the policy as `policy` says it is now. One after the other: none may arrive after a newer one.

        Returns:
            The seconds until it was answered.
        """
        with self._telling, self._mapped():
            message, metadata = policy(), self._metadata()
            began = time.monotonic()
            self._rounds.SetPolicy(message, metadata=metadata, timeout=CALL_SECONDS)
            return time.monotonic() - began

    def reassign(self, client: str, target: Combiner) -> None:
        """Have a client ask for another combiner, once it has delivered what it is at."""
        request = pb.ReassignRequest(
            receiver=codec.client(client), server=target.host, port=target.port, combiner=target.id
        )
        with self._mapped():
            self._connector.ReassignClient(request, metadata=self._metadata(), timeout=CALL_SECONDS)

    def remove(self, client: str, reason: str) -> None:
        """Cut a client off, which is told the reason."""
        with self._mapped():
            message = pb.Removal(client=client, reason=reason)
            self._rounds.Remove(message, metadata=self._metadata(), timeout=CALL_SECONDS)

    def watch(self) -> Iterator[pb.CombinerState]:
        """The whole state of the combiner, then what changes; until the line breaks, or `end_watch`."""
        with self._mapped():
            self._watching = self._rounds.Watch(pb.WatchRequest(), metadata=self._metadata())
            yield from self._watching

    def end_watch(self) -> None:
        if self._watching is not None:
            self._watching.cancel()

    def run(self, plan: RoundPlan, *, model_data: bytes, direct: Presigned | None = None) -> RoundCall:
        """Start a round; its call ends by itself a while after the round's time, whatever the combiner does."""
        message = codec.plan_to_message(plan, model_data, direct)
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
