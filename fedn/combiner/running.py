"""One running round: the shell that performs what `core.round` decides."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace

from fedn.combiner.compute import Fold
from fedn.combiner.members import Members
from fedn.combiner.spool import Spool, Staged
from fedn.core import round as machine
from fedn.core.model import Answer, Fate, File, Progress, RoundPlan, TaskKind
from fedn.core.numbers import finite_numbers
from fedn.errors import FednError, InvalidUpdate
from fedn.proto import fedn_pb2 as pb
from fedn.rpc import codec

log = logging.getLogger(__name__)

REPORT_SECONDS = 0.1
"""Progress within so long travels in one message."""

Verdict = tuple[Fate, str]

OVER = (Fate.DISCARDED, "the round of this task is over")


class Running:
    """Feeds the machine and performs its effects.

    Args:
        on_final: Called when a client has its final state.
    """

    def __init__(
        self,
        plan: RoundPlan,
        staged: Staged,
        fold: Fold,
        *,
        members: Members,
        spool: Spool,
        rejoin: float,
        on_final: Callable[[], None],
    ) -> None:
        self._plan = plan
        self._staged = staged
        self._fold = fold
        self._members = members
        self._spool = spool
        self._machine = machine.Round(plan, rejoin)
        self._on_final = on_final
        self._loop = asyncio.get_running_loop()
        self._deadline = time.monotonic() + plan.seconds
        self._verdicts: dict[str, asyncio.Future[Verdict]] = {}
        self._content: dict[str, tuple[bytes, str]] = {}
        self._reports: list[Progress] = []
        self._news = asyncio.Event()
        self._finished = asyncio.Event()
        self._timers: list[asyncio.TimerHandle] = []
        self._judging: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self.feed(machine.Started(self._members.names() & frozenset(self._plan.clients)))

    def cancel(self) -> machine.Round:
        """End the round for whoever still waits; after the last client has its state this changes nothing.

        Returns:
            The machine, which knows what became of each client's answer.
        """
        self.feed(machine.Cancelled())
        for timer in self._timers:
            timer.cancel()
        for future in self._verdicts.values():
            if not future.done():
                future.set_result(OVER)
        return self._machine

    def awaits(self, client: str) -> bool:
        """Whether the client was asked and has no final state yet."""
        return self._machine.awaits(client)

    def uploading(self, client: str) -> None:
        """An update of this client has begun to arrive."""
        if self._plan.kind is TaskKind.TRAIN:
            self.feed(machine.ClientUploading(client))

    def member_changed(self, name: str, connected: bool) -> None:
        self.feed(machine.ClientBack(name) if connected else machine.ClientGone(name))

    async def progress(self) -> AsyncIterator[list[Progress]]:
        """What is to be reported, in batches, until the round is over."""
        while self._reports or not self._finished.is_set():  # the last may come in while others are being sent
            await self._news.wait()
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._finished.wait(), REPORT_SECONDS)
            self._news.clear()
            batch, self._reports = self._reports, []
            if batch:
                yield batch

    async def answer(self, answer: Answer, data: bytes, owner: str) -> Verdict:
        verdict = self._verdicts.get(answer.client)
        if verdict is None:
            verdict = self._verdicts[answer.client] = self._loop.create_future()
            self._content[answer.client] = (data, owner)
            self.feed(machine.Answered(answer))
        return await asyncio.shield(verdict)

    def feed(self, event: machine.Event) -> None:
        for effect in self._machine.handle(event, now=time.monotonic()):
            self._perform(effect)

    def _perform(self, effect: machine.Effect) -> None:
        match effect:
            case machine.Ask(clients):
                message = pb.TaskMessage(task=self._task())
                for client in clients:
                    self._members.post(client, message)
            case machine.Withdraw(clients):
                for client in clients:
                    self._members.post(client, pb.TaskMessage(cancel=self._plan.round_id))
            case machine.Judge(answer):
                judging = self._loop.create_task(self._judge(answer))
                self._judging.add(judging)
                judging.add_done_callback(self._judging.discard)
            case machine.Reply(client, fate, detail):
                verdict = self._verdicts.pop(client, None)
                self._content.pop(client, None)
                if verdict is not None and not verdict.done():
                    verdict.set_result((fate, detail))
            case machine.Report(progress):
                self._reports.append(progress)
                self._news.set()
                if progress.state.final:
                    self._on_final()
            case machine.Wake(at):
                delay = max(0.0, at - time.monotonic())
                self._timers.append(self._loop.call_later(delay, self.feed, machine.Tick()))
            case machine.Finish():
                self._finished.set()
                self._news.set()

    def _task(self) -> pb.Task:
        content = self._staged.content
        return codec.task_to_message(
            self._plan,
            seconds=max(0.0, self._deadline - time.monotonic()),
            model_data=content if isinstance(content, bytes) else b"",
        )

    async def _judge(self, answer: Answer) -> None:
        """Fold an update in or read a validation, and feed what came of it."""
        data, owner = self._content.pop(answer.client)
        fate, detail = Fate.REFUSED, "it could not be judged; the log of the combiner says why"
        try:
            training = self._plan.kind is TaskKind.TRAIN
            if training != (answer.update is not None):
                what = "an answer without an update" if training else "an update"
                raise InvalidUpdate(f"{what} is no answer to a task to {self._plan.kind.value}")
            update = answer.update
            answer = await self._fold_in(answer, update, data, owner) if update else _with_metrics(answer)
            fate, detail = Fate.ACCEPTED, ""
        except FednError as error:
            log.warning("round %s: answer of %s refused: %s", self._plan.round_id, answer.client, error)
            detail = str(error)
        finally:
            self.feed(machine.Judged(answer, fate, detail))

    async def _fold_in(self, answer: Answer, update: File, data: bytes, owner: str) -> Answer:
        """Fold the update and return the answer with its size."""
        if data:
            await self._fold.add(data, weight=answer.examples)
            return answer
        upload = self._spool.take(owner, update.id)
        try:
            await self._fold.add(upload.path, weight=answer.examples)
        finally:
            await asyncio.to_thread(upload.delete)
        return replace(answer, update=File(update.id, upload.held, upload.sha256))


def _with_metrics(answer: Answer) -> Answer:
    """A validation or prediction with the finite numbers of its JSON object as metrics."""
    try:
        values = json.loads(answer.data)
    except (ValueError, RecursionError) as error:
        raise InvalidUpdate(f"the answer is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise InvalidUpdate(f"the answer is a JSON {type(values).__name__}, not an object of metrics")
    return replace(answer, metrics=finite_numbers(values))
