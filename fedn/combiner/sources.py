"""Where the models of a combiner come from: straight from the store where the reducer gave a URL, else from it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

from fedn.combiner.spool import Fetch
from fedn.core.model import File, Presigned, RoundPlan
from fedn.errors import FednError
from fedn.rpc import direct
from fedn.rpc.chunks import check_received
from fedn.rpc.http import Http

log = logging.getLogger(__name__)

SHARE = 0.5
"""Part of a round's time that the store may take, so that some is left for the reducer."""

AGAIN_SECONDS = 300.0
"""How long a store that failed is left alone: one that can't be reached from here would delay every round."""


class Sources:
    """Brings models. The store is tried first; whatever goes wrong there, the reducer has them, too.

    Args:
        http: The session with the reducer.
        tell: Takes what the operator may want to know: whether it is a warning, and the text. Once, when it changes.
    """

    def __init__(self, http: Http, *, tell: Callable[[bool, str], None]) -> None:
        self._http = http
        self._tell = tell
        self._failed_at: float | None = None

    def fetch(self, plan: RoundPlan, source: Presigned | None) -> Fetch:
        """Brings the model of a round, checked."""

        async def fetch(target: Path) -> None:
            if source is None or not await self._from_store(plan, source, target):
                await asyncio.to_thread(self._from_reducer, plan.model, target)

        return fetch

    async def _from_store(self, plan: RoundPlan, source: Presigned, target: Path) -> bool:
        """Whether the store brought it."""
        if self._failed_at is not None and time.monotonic() - self._failed_at < AGAIN_SECONDS:
            return False
        try:
            await asyncio.to_thread(direct.fetch, source, target, plan.model, seconds=SHARE * plan.seconds)
        except FednError as error:
            if self._failed_at is None:
                self._tell(True, f"models come through the reducer, as the store fails from here: {error}")
            self._failed_at = time.monotonic()
            return False
        if self._failed_at is not None:
            self._tell(False, "models come straight from the store again")
        self._failed_at = None
        return True

    def _from_reducer(self, model: File, target: Path) -> None:
        self._http.download(f"/api/v1/models/{model.id}/data", target)
        check_received(target, model)
