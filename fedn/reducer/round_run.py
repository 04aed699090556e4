"""One round at work: a thread for each combiner that takes part, and what they bring back."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fedn.core.aggregation import Partial, from_bytes, from_file
from fedn.core.model import ClientState, Presigned, Progress, RoundPlan
from fedn.core.session import CombinerDone, CombinerFailed, Event
from fedn.errors import FednError, InvalidUpdate, Unavailable
from fedn.proto import fedn_pb2 as pb
from fedn.reducer.combiners import Links
from fedn.reducer.link import Link, RoundCall
from fedn.rpc import codec
from fedn.stores.document import Body
from fedn.stores.documents import Round, Validation


@dataclass(frozen=True)
class Progressed:
    """Clients of a running round went on."""

    round_id: str
    combiner: str
    number: int
    kind: str
    progress: tuple[Progress, ...]

    def to_data(self) -> dict[str, Any]:
        return {
            "round_id": self.round_id,
            "number": self.number,
            "kind": self.kind,
            "clients": [
                {
                    "client": one.client,
                    "combiner": self.combiner,
                    "state": one.state.value,
                    "detail": one.reason,
                    "bytes": one.answer.update.size if one.answer and one.answer.update else 0,
                }
                for one in self.progress
            ],
        }


@dataclass(frozen=True)
class Landed:
    """A combiner's part is over: what its clients did and its partial, or why it broke off."""

    round_id: str
    combiner: str
    progress: tuple[Progress, ...] = ()
    partial: Path | bytes | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    error: str = ""


class RoundRun:
    """A round over all its combiners.

    Args:
        plan: The round; each combiner gets it with its own share of clients.
        shares: Combiner → clients.
        waited: Seconds that the session waited for clients before.
        scratch: Folder for partials on their way.
        report: Takes what the threads have to say; called from them.
    """

    def __init__(
        self,
        plan: RoundPlan,
        shares: Mapping[str, tuple[str, ...]],
        *,
        attempt: int,
        waited: float,
        links: Links,
        scratch: Path,
        report: Callable[[Progressed | Landed], None],
    ) -> None:
        self.id = plan.round_id
        self.result_model = ""
        self._plan = plan
        self._shares = shares
        self._attempt = attempt
        self._links = links
        self._report = report
        self._started_at = time.time()
        self._began = time.monotonic()
        self._seconds: dict[str, float] = {"waiting": waited}
        self._calls: list[RoundCall] = []
        self._cancelled = False
        self._landed: dict[str, Landed] = {}
        self._scratch = Path(tempfile.mkdtemp(dir=scratch, prefix="round-"))

    def start(self, model_data: bytes, direct: Presigned | None = None) -> None:
        """Have every combiner begin; a thread each follows it.

        Args:
            model_data: The model, where it is small.
            direct: Where combiners may fetch it besides the reducer.
        """
        for combiner, clients in self._shares.items():
            try:
                link = self._links.get(combiner)
                call = link.run(replace(self._plan, clients=clients), model_data=model_data, direct=direct)
            except FednError as error:
                self._report(Landed(self.id, combiner, error=str(error)))
                continue
            self._calls.append(call)
            threading.Thread(target=self._follow, args=(link, call), name=f"round-{combiner}", daemon=True).start()

    def cancel(self) -> None:
        self._cancelled = True
        for call in self._calls:
            call.cancel()

    def close(self) -> None:
        """End what still runs and delete what was fetched."""
        self.cancel()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def land(self, landed: Landed) -> Event:
        """Note a combiner's part and tell the machine of it."""
        self._landed[landed.combiner] = landed
        if landed.error:
            return CombinerFailed(landed.combiner, landed.error)
        self._seconds["combine"] = time.monotonic() - self._began
        return CombinerDone(landed.combiner, landed.progress)

    def partials(self, combiners: tuple[str, ...]) -> list[Partial]:
        """The partials of these combiners, in their order.

        Raises:
            InvalidUpdate: A combiner said that it had folded updates in, but brought no sum.
        """
        return [self._partial(name) for name in combiners]

    def _partial(self, combiner: str) -> Partial:
        content = self._landed[combiner].partial
        if content is None:
            raise InvalidUpdate(f"combiner {combiner} brought no partial model")
        return from_file(content) if isinstance(content, Path) else from_bytes(content)

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Add the time that the block takes to a part of the round's time."""
        started = time.monotonic()
        try:
            yield
        finally:
            self._seconds[part] = self._seconds.get(part, 0.0) + time.monotonic() - started

    def validations(self) -> list[Validation]:
        """What the clients found, of a round that validates."""
        now = time.time()
        return [
            Validation(
                id=f"{self.id}.{progress.client}",
                model_id=self._plan.model.id,
                session_id=self._plan.session_id,
                round_id=self.id,
                client=progress.client,
                combiner=combiner,
                examples=progress.answer.examples,
                metrics=dict(progress.answer.metrics),
                data=json.loads(progress.answer.data),
                at=now,
            )
            for combiner, landed in sorted(self._landed.items())
            for progress in landed.progress
            if progress.answer is not None
        ]

    def document(self, error: str) -> Round:
        """The record of this attempt."""
        return Round(
            id=self.id,
            session_id=self._plan.session_id,
            number=self._plan.number,
            attempt=self._attempt,
            kind=self._plan.kind.value,
            model_id=self._plan.model.id,
            started_at=self._started_at,
            ended_at=time.time(),
            state="failed" if error else "finished",
            error=error,
            combiners=[self._combiner_body(name) for name in sorted(self._shares)],
            clients=self._client_bodies(),
            seconds={**self._seconds, "total": time.monotonic() - self._began},
            result_model=self.result_model,
        )

    def to_data(self) -> dict[str, Any]:
        """What a watcher is told at the start."""
        return {
            "round_id": self.id,
            "number": self._plan.number,
            "attempt": self._attempt,
            "kind": self._plan.kind.value,
            "started_at": self._started_at,
            "seconds": self._plan.seconds,
            "combiners": {name: len(clients) for name, clients in self._shares.items()},
            "clients": sorted(client for clients in self._shares.values() for client in clients),
        }

    def _combiner_body(self, name: str) -> Body:
        landed = self._landed.get(name, Landed(self.id, name))
        states = Counter(progress.state for progress in landed.progress)
        return {
            "name": name,
            "asked": len(self._shares[name]),
            "answered": states[ClientState.ANSWERED],
            "seconds": dict(landed.seconds),
            "error": landed.error,
        }

    def _client_bodies(self) -> list[Body]:
        return [
            {
                "client": progress.client,
                "combiner": combiner,
                "state": progress.state.value,
                "detail": progress.detail,
                "examples": progress.answer.examples if progress.answer else 0,
                "bytes": progress.answer.update.size if progress.answer and progress.answer.update else 0,
                "seconds": dict(progress.answer.seconds) if progress.answer else {},
            }
            for combiner, landed in sorted(self._landed.items())
            for progress in landed.progress
        ]

    def _follow(self, link: Link, call: RoundCall) -> None:
        """In a thread: report a combiner's progress, and at its end how it landed."""
        landed = Landed(self.id, link.combiner.id, error="following it broke off; the log of the reducer says why")
        try:
            landed = self._until_result(link, call)
        except FednError as error:
            landed = replace(landed, error=str(error))
            if error.retryable and not self._cancelled:
                self._links.doubt(link.combiner.id, str(error))
        finally:
            self._report(landed)

    def _until_result(self, link: Link, call: RoundCall) -> Landed:
        name = link.combiner.id
        final: dict[str, Progress] = {}
        for event in call.events():
            if event.progress:
                progress = tuple(codec.progress_from_message(one, task_id=self.id) for one in event.progress)
                final.update({one.client: one for one in progress if one.state.final})
                self._report(Progressed(self.id, name, self._plan.number, self._plan.kind.value, progress))
            if event.HasField("result"):
                content = self._fetch(link, event.result)
                seconds = dict(event.result.seconds)
                return Landed(self.id, name, tuple(final[client] for client in sorted(final)), content, seconds)
        raise Unavailable(f"{link.peer} ended the round without a result")

    def _fetch(self, link: Link, result: pb.RoundResult) -> Path | bytes | None:
        if not result.HasField("partial"):
            return None
        if result.partial.data:
            return result.partial.data
        path = self._scratch / link.combiner.id
        link.fetch(codec.file_from_message(result.partial), path)
        return path
