"""The tasks of a client, each from its model to its answer."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from fedn.client.delivery import Delivery
from fedn.client.standing import Standing
from fedn.client.work import Job, Outcome, Work
from fedn.core.model import Answer, Fate, File, TaskKind
from fedn.errors import EntryPointFailed, FednError
from fedn.proto import fedn_pb2 as pb
from fedn.rpc import codec
from fedn.security.digest import sha256_bytes, sha256_file

log = logging.getLogger(__name__)

GRACE_SECONDS = 5.0
"""How long after a task's time its answer is still sent: the combiner's word on it is worth having."""

LOGGED_LINES = 20
"""Of the output of a task that failed."""
QUIET_SECONDS = 1.0
"""Work that takes longer than this is reported as begun."""


class Tasks:
    """What a client has in work. Tasks are done one at a time; the next one's model is fetched meanwhile."""

    def __init__(self, delivery: Delivery, *, name: str, work: Work, folder: Path, standing: Standing) -> None:
        self.inline_bytes = 0
        """Updates up to this size travel inside the message."""
        self._delivery = delivery
        self._name = name
        self._work = work
        self._folder = folder
        self._standing = standing
        self._running: dict[str, asyncio.Task[None]] = {}
        self._one_at_a_time = asyncio.Lock()

    def take(self, task: pb.Task) -> None:
        """Start on a task; one that is in work already goes on as it is."""
        if task.id not in self._running:
            self._start(task.id, self._seen(task))

    def cancel(self, task_id: str) -> None:
        """Break a task off, if it is in work."""
        if task_id in self._running:
            self._running[task_id].cancel()

    async def settle(self, seconds: float) -> None:
        """Let what is in work end, for so long at most."""
        if self._running:
            await asyncio.wait(list(self._running.values()), timeout=seconds)

    async def close(self) -> None:
        """Break off whatever is in work."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _start(self, key: str, work: Coroutine[None, None, None]) -> None:
        self._running[key] = task = asyncio.create_task(work)
        task.add_done_callback(lambda _: self._running.pop(key, None))

    async def _seen(self, task: pb.Task) -> None:
        with self._standing.task(task.id, codec.kind_of(task), session_id=task.session_id, round=task.round):
            await self._do(task)

    async def _do(self, task: pb.Task) -> None:
        """A task from its model to its answer."""
        clock = asyncio.get_running_loop().time
        until = clock() + task.seconds
        started = clock()
        try:
            async with self._model(task, until=until) as content, self._one_at_a_time:
                fetched = clock()
                job = self._job(task, content, seconds=max(0.1, until - clock()))
                self._standing.working(task.id)
                notice = asyncio.get_running_loop().call_later(QUIET_SECONDS, self._say_working, task)
                try:
                    outcome = await self._work.do(job)
                finally:
                    notice.cancel()
            self._standing.uploading(task.id)
            timings = {"fetch_model": fetched - started, "processing_time": clock() - started, **outcome.seconds}
            await self._answer(task, replace(outcome, seconds=timings), until=until + GRACE_SECONDS)
        except FednError as error:
            log.error("task %s (%s) failed: %s", task.id, codec.kind_of(task).value, error)
            self._standing.failed(task.id, str(error))
            output = error.output if isinstance(error, EntryPointFailed) else ""
            for line in output.strip().splitlines()[-LOGGED_LINES:]:
                log.error("task %s printed: %s", task.id, line)
            await self._report(task, error, output=output, until=until + GRACE_SECONDS)
        except Exception:
            log.exception("task %s (%s) broke off", task.id, codec.kind_of(task).value)
            broken = FednError("the client's software failed; its log says why")
            self._standing.failed(task.id, str(broken))
            await self._report(task, broken, output="", until=until + GRACE_SECONDS)

    @asynccontextmanager
    async def _model(self, task: pb.Task, *, until: float) -> AsyncIterator[Path | bytes]:
        """The task's model at hand, for as long as the task takes."""
        if task.model.data:
            yield task.model.data
            return
        path = self._folder / f"model-{uuid.uuid4().hex}"
        try:
            await self._delivery.fetch(codec.file_from_message(task.model), path, until=until)
            yield path
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    @staticmethod
    def _job(task: pb.Task, content: Path | bytes, *, seconds: float) -> Job:
        return Job(
            id=task.id,
            kind=codec.kind_of(task),
            session_id=task.session_id,
            round=task.round,
            model=codec.file_from_message(task.model),
            content=content,
            seconds=seconds,
            parameters=json.loads(task.parameters or "{}"),
            package_sha256=task.package_sha256,
        )

    async def _answer(self, task: pb.Task, outcome: Outcome, *, until: float) -> None:
        kind = codec.kind_of(task)
        answer = Answer(
            client=self._name,
            task_id=task.id,
            examples=outcome.examples,
            metrics=outcome.metrics,
            data=outcome.data,
            seconds=outcome.seconds,
        )
        if kind is TaskKind.TRAIN:
            response = await self._hand_in(task.model.id, answer, outcome.content, until=until)
        elif kind is TaskKind.VALIDATE:
            response = await self._delivery.send_validation(answer, model_id=task.model.id, until=until)
        else:
            response = await self._delivery.send_prediction(answer, until=until)
        fate = codec.fate_of(response)
        self._standing.answered(task.id, fate, outcome.metrics or json.loads(outcome.data or "{}"))
        level = logging.INFO if fate is Fate.ACCEPTED else logging.WARNING
        log.log(level, "round %d: %s %s %s", task.round, kind.value, fate.value, response.response)

    async def _hand_in(self, model_id: str, answer: Answer, content: Path | bytes, *, until: float) -> pb.Response:
        """Send an update: a small one in the message, a large one ahead of it."""
        update_id = str(uuid.uuid4())
        try:
            size = _size(content)
            if size <= self.inline_bytes:
                inline = content if isinstance(content, bytes) else await asyncio.to_thread(content.read_bytes)
                answer = replace(answer, update=File(update_id, size, ""))
                return await self._delivery.send_update(answer, model_id=model_id, content=inline, until=until)
            file = File(update_id, size, await asyncio.to_thread(_digest, content))
            clock = asyncio.get_running_loop().time
            started = clock()
            await self._delivery.upload(file, content, until=until)
            answer = replace(answer, update=file, seconds={**answer.seconds, "upload_model": clock() - started})
            return await self._delivery.send_update(answer, model_id=model_id, content=b"", until=until)
        finally:
            await asyncio.to_thread(_discard, content)

    async def _report(self, task: pb.Task, error: FednError, *, output: str, until: float) -> None:
        try:
            await self._delivery.send_failure(task.id, error, output=output, until=until)
        except FednError as undelivered:
            log.error("the failure of task %s could not be reported: %s", task.id, undelivered)

    def _say_working(self, task: pb.Task) -> None:
        kind = {pb.TRAIN: pb.MODEL_UPDATE_REQUEST, pb.VALIDATE: pb.MODEL_VALIDATION_REQUEST}.get(task.type, pb.LOG)
        status = pb.Status(status="working", type=kind, log_level=pb.Status.AUDIT, correlation_id=task.id)
        self._start(f"status of {task.id}", self._delivery.send_status(status))


def _digest(content: Path | bytes) -> str:
    return sha256_bytes(content) if isinstance(content, bytes) else sha256_file(content)


def _size(content: Path | bytes) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _discard(content: Path | bytes) -> None:
    if isinstance(content, Path):
        content.unlink(missing_ok=True)
