"""The rounds of a combiner: those that run, and what is still asked about those that ran."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Executor
from contextlib import aclosing
from pathlib import Path

from fedn.combiner.compute import Fold
from fedn.combiner.members import Members
from fedn.combiner.running import OVER, Running, Verdict
from fedn.combiner.spool import Fetch, Spool, Staged
from fedn.core import round as machine
from fedn.core.aggregation import Partial
from fedn.core.model import Answer, File, RoundPlan, TaskKind
from fedn.errors import Conflict
from fedn.proto import fedn_pb2 as pb
from fedn.rpc import codec
from fedn.security.digest import sha256_bytes, sha256_file

SUM_BYTES = 8
"""Of a sum for each number of the model."""

ERRAND_SECONDS = 600.0
"""How long a task outside of a round may take."""

PAST_ROUNDS = 8
"""Rounds that are over and still answer a client that asks again, since it did not hear what became of its answer."""


class Rounds:
    """The running rounds, by id. A task's id is its round's."""

    def __init__(
        self, *, members: Members, spool: Spool, executor: Executor, rejoin_seconds: float, inline_bytes: int
    ) -> None:
        self._members = members
        self._spool = spool
        self._executor = executor
        self._rejoin_seconds = rejoin_seconds
        self._inline_bytes = inline_bytes
        self._begun: dict[str, RoundPlan] = {}
        """Those that run, and those whose model is being staged."""
        self._running: dict[str, Running] = {}
        self._past: dict[str, machine.Round] = {}
        self._changed = asyncio.Event()
        self._package_sha256 = ""

    @property
    def idle(self) -> bool:
        return not self._begun

    async def wait_idle(self) -> None:
        """Until no round runs."""
        await self._until(lambda: self.idle)

    async def wait_settled(self, client: str) -> None:
        """Until no round waits for this client."""
        await self._until(lambda: not self._awaits(client))

    def _awaits(self, client: str) -> bool:
        return any(
            running.awaits(client) if (running := self._running.get(plan.round_id)) else client in plan.clients
            for plan in self._begun.values()
        )

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._changed.clear()
            await self._changed.wait()

    async def run(self, plan: RoundPlan, *, data: bytes, fetch: Fetch) -> AsyncGenerator[pb.RoundEvent, None]:
        """Run a round: its progress as it comes, then its result. Ending the iteration early cancels the round.

        Args:
            plan: What to do.
            data: The model, when it came with the plan.
            fetch: Brings it otherwise.

        Raises:
            Conflict: A round of this id is running.
        """
        if plan.round_id in self._begun:
            raise Conflict(f"round {plan.round_id} is running already")
        self._begun[plan.round_id] = plan
        try:
            async with aclosing(self._run(plan, data=data, fetch=fetch)) as events:
                async for event in events:
                    yield event
        finally:
            del self._begun[plan.round_id]
            self._changed.set()

    async def _run(self, plan: RoundPlan, *, data: bytes, fetch: Fetch) -> AsyncGenerator[pb.RoundEvent, None]:
        started = time.monotonic()
        staged = await self._spool.stage(plan.model, data=data, fetch=fetch)
        staged_at = time.monotonic()
        self._package_sha256 = plan.package_sha256
        fold = Fold(staged.content, reproducible=plan.reproducible, executor=self._executor)
        running = Running(
            plan,
            staged,
            fold,
            members=self._members,
            spool=self._spool,
            rejoin=self._rejoin_seconds,
            on_final=self._changed.set,
        )
        self._running[plan.round_id] = running
        unlisten = self._members.listen(running.member_changed)
        try:
            running.start()
            async for progress in running.progress():
                yield codec.round_event(progress)
            done_at = time.monotonic()
            result = pb.RoundResult(seconds={"stage": staged_at - started, "clients": done_at - staged_at})
            partial = await fold.partial() if plan.kind is TaskKind.TRAIN else None
            if partial is not None:
                result.partial.CopyFrom(await self._offer(f"partial-{plan.round_id}", partial))
            result.seconds["fold"] = fold.seconds
            result.seconds["partial"] = time.monotonic() - done_at
            yield pb.RoundEvent(result=result)
        finally:
            unlisten()
            del self._running[plan.round_id]
            self._past[plan.round_id] = running.cancel()
            while len(self._past) > PAST_ROUNDS:
                del self._past[next(iter(self._past))]

    def errand(self, kind: pb.TaskType, *, task_id: str, model_id: str, parameters: str) -> pb.Task:
        """A task outside of any round, with the package of the last one; what answers it will be discarded.

        Raises:
            NotFound: The model is not at this combiner.
        """
        staged = self._spool.staged(model_id)
        data = staged.content if isinstance(staged.content, bytes) else b""
        return pb.Task(
            id=task_id,
            type=kind,
            model=codec.file_to_message(staged.file, data),
            seconds=ERRAND_SECONDS,
            parameters=parameters,
            package_sha256=self._package_sha256,
        )

    async def answer(self, answer: Answer, *, data: bytes = b"", owner: str | None = None) -> Verdict:
        """Take a client's answer and say what became of it, once it is judged.

        Args:
            data: The update, when it came along; else it lies in the spool.
            owner: Under whose name the spool has it; that of the client by default.
        """
        owner = answer.client if owner is None else owner
        running = self._running.get(answer.task_id)
        if running is None:
            verdict = self._past_verdict(answer)
        else:
            verdict = await running.answer(answer, data, owner)
        if answer.update is not None:
            await self._spool.discard(owner, answer.update.id)  # where it was not taken from there
        return verdict

    def _past_verdict(self, answer: Answer) -> Verdict:
        past = self._past.get(answer.task_id)
        effects = past.handle(machine.Answered(answer), now=time.monotonic()) if past else []
        return next(((one.fate, one.detail) for one in effects if isinstance(one, machine.Reply)), OVER)

    def fail(self, client: str, task_id: str, detail: str) -> None:
        """A client reports that it could not do its task."""
        if task_id in self._running:
            self._running[task_id].feed(machine.Failed(client, detail))

    def working(self, client: str, task_id: str) -> None:
        """A client reports that it has begun."""
        if task_id in self._running:
            self._running[task_id].feed(machine.ClientWorking(client))

    def uploading(self, client: str) -> None:
        """An update of this client has begun to arrive."""
        for running in list(self._running.values()):
            running.uploading(client)

    async def _offer(self, name: str, partial: Partial) -> pb.File:
        """The partial, inside the message when small, else as a file that the reducer fetches."""
        loop = asyncio.get_running_loop()
        if partial.layout.size * SUM_BYTES <= self._inline_bytes:
            data = await loop.run_in_executor(self._executor, partial.to_bytes)
            return codec.file_to_message(File(name, len(data), sha256_bytes(data)), data)
        path = self._spool.new_path()
        file = await loop.run_in_executor(self._executor, _write, partial, path, name)
        self._spool.offer(Staged(file, path))
        return codec.file_to_message(file)


def _write(partial: Partial, path: Path, name: str) -> File:
    partial.to_file(path)
    return File(name, path.stat().st_size, sha256_file(path))
