"""A federation for tests: a reducer and a combiner as processes, clients of functions in this one."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from waiting import DEADLINE

import fedn
from fedn.api import Reducer
from fedn.errors import FednError, NotReady
from fedn.sandbox.processes import Processes


@dataclass(frozen=True)
class Federation:
    """What a test needs of it."""

    data_dir: Path
    reducer: Reducer
    processes: Processes

    def until(self, count: int) -> None:
        """Wait for so many clients."""

        def check() -> None:
            if len(self.reducer.clients()) != count:
                raise NotReady("clients are on their way")

        self.processes.until(check, seconds=DEADLINE)

    @contextlib.contextmanager
    def clients(self, count: int) -> Iterator[None]:
        """Clients whose training adds one to the model, and whose validation finds its mean; poison fails them."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        clients = [fedn.Client(train=_train, validate=_validate, name=f"c{number}") for number in range(count)]
        running = [asyncio.run_coroutine_threadsafe(one.serve(data_dir=self.data_dir), loop) for one in clients]
        try:
            self.until(count)
            yield
        finally:
            for one in running:
                one.cancel()
            with contextlib.suppress(FednError):
                self.until(0)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


@contextlib.contextmanager
def federation(folder: Path) -> Iterator[Federation]:
    """A reducer and a combiner with their data in `folder`."""
    processes = Processes(folder / "log")
    try:
        where = ("--data-dir", str(folder))
        processes.start("reducer", "reducer", *where, "--host", "127.0.0.1", "--port", "0")
        reducer = processes.until(lambda: Reducer.connect(data_dir=folder), seconds=DEADLINE)
        address = ("--bind", "127.0.0.1", "--host", "localhost", "--port", "0")
        processes.start("combiner", "combiner", *where, *address)
        with reducer:
            here = Federation(folder, reducer, processes)
            processes.until(lambda: _connected(reducer), seconds=DEADLINE)
            yield here
    finally:
        processes.stop()


def seed_file(folder: Path, *, name: str = "weights") -> Path:
    """A model of three zeros."""
    file = folder / "seed.npz"
    np.savez(file, **{name: np.zeros(3, np.float32)})
    return file


def _connected(reducer: Reducer) -> None:
    if not any(one["connected"] for one in reducer.combiners()):
        raise NotReady("the combiner is on its way")


def _train(model: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], int]:
    if "poison" in model:
        raise ValueError("poisoned \x1b[31mred")
    return {name: array + 1 for name, array in model.items()}, 10


def _validate(model: dict[str, np.ndarray]) -> dict[str, float]:
    return {"mean": float(model["weights"].mean())}
