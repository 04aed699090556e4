"""Folding off the loop: one running sum per round, fed in batches.

Updates that arrive while a batch is being folded wait together for the next, so that a thousand small updates cost a
few thread hops, not a thousand, and a large one costs the loop nothing.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from fedn.core import weights as w
from fedn.core.aggregation import Checked, Partial, zero
from fedn.core.layout import Layout
from fedn.errors import FednError, InvalidUpdate

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Waiting:
    source: Path | bytes
    weight: float
    done: asyncio.Future[None]


class Fold:
    """The running sum of one round.

    Args:
        model: The round's global model, which every update must be like.
        reproducible: Whether the sum must not depend on the order of arrival.
    """

    def __init__(self, model: Path | bytes, *, reproducible: bool, executor: Executor) -> None:
        self._model = model
        self._reproducible = reproducible
        self._executor = executor
        self._waiting: list[_Waiting] = []
        self._worker: asyncio.Task[None] | None = None
        self._partial: Partial | None = None
        self._broken = False
        self.seconds = 0.0

    async def add(self, source: Path | bytes, *, weight: float) -> None:
        """Fold an update in, wholly or not at all.

        Raises:
            InvalidUpdate: It does not load, is not like the model, or holds what is not finite.
            FednError: Folding broke off, now or before, and may have left the sum half added to.
        """
        if self._broken:
            raise _broken()
        entry = _Waiting(source, weight, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        await entry.done

    async def partial(self) -> Partial | None:
        """The sum of what was added; None when nothing was. Nothing may be added after.

        Raises:
            FednError: Folding broke off, and the sum is none.
        """
        if self._worker is not None:
            await asyncio.wait([self._worker])
        if self._broken:
            raise _broken()
        return self._partial if self._partial is not None and self._partial.count else None

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        batch: list[_Waiting] = []
        broken = True
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                started = loop.time()
                outcomes = await loop.run_in_executor(self._executor, self._fold, batch)
                self.seconds += loop.time() - started
                for entry, error in zip(batch, outcomes, strict=True):
                    _settle(entry.done, error)
            broken = False
        finally:
            self._worker, self._broken = None, broken
            for entry in (*batch, *self._waiting):
                _settle(entry.done, _broken())

    def _fold(self, batch: list[_Waiting]) -> list[FednError | None]:
        """In a thread: add what is fit in one pass; for each of the batch, what is wrong with it."""
        if self._partial is None:
            self._partial = zero(Layout.of(w.read(self._model)), reproducible=self._reproducible)
        outcomes = [_checked(self._partial, entry) for entry in batch]
        self._partial.add([one for one in outcomes if isinstance(one, Checked)])
        return [one if isinstance(one, FednError) else None for one in outcomes]


def _checked(partial: Partial, entry: _Waiting) -> Checked | FednError:
    try:
        return partial.check(w.read(entry.source, limit=partial.layout.largest), entry.weight)
    except FednError as error:
        return error
    except Exception:
        log.exception("an update could not be checked")
        return InvalidUpdate("the update could not be checked; the log of the combiner says why")


def _broken() -> FednError:
    return FednError("folding broke off; the log of the combiner says why")


def _settle(done: asyncio.Future[None], error: FednError | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
