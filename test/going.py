"""A session that is interrupted, and what must hold once it has gone on to its end."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import numpy as np
from loopback import Federation, plus_one
from waiting import DEADLINE

ROUNDS = 6


class Trainer:
    """Trains; in the third round it waits until it is told to go on."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, model: Any) -> Any:
        if model["a"][0] == 2:
            self.begun.set()
            self.go_on.wait(DEADLINE)
        return plus_one(model)


async def assert_gone_on(network: Federation, session_id: str) -> None:
    """The session has ended, and its trail has neither a gap nor a double."""
    session = await asyncio.to_thread(network.operator.session, session_id)
    assert (session.state, session.rounds_done) == ("finished", ROUNDS), session.error
    trail = await network.trail()
    assert [model.number for model in trail] == list(range(ROUNDS + 1))
    assert [model.parent for model in trail[1:]] == [model.id for model in trail[:-1]]
    np.testing.assert_array_equal((await network.model())["a"], np.full(3, ROUNDS, np.float32))
    assert (await network.session()).state == "finished"
