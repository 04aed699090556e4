"""The times of rounds and the means of models, as figures and comparisons need them."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fedn.core.model import ClientState, TaskKind
from fedn.reducer.plots.figures import ROUNDS
from fedn.reducer.plots.folds import Folds
from fedn.stores.documents import Body, Model, Round
from fedn.stores.protocols import StateStore

_MILLISECOND = 3  # digits


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Where the time of one attempt at a round went."""

    number: int
    attempt: int
    kind: str
    parts: Mapping[str, float]
    """Seconds, as `parts_of` has them."""
    total: float
    """Seconds from the wait for clients, which a validation has none of, to the end."""
    clients: tuple[str, ...]
    """Those that answered."""
    trained: array[float]
    """How long each of them trained (s, to the millisecond)."""

    @classmethod
    def of(cls, one: Round) -> Timing:
        is_training = one.kind == TaskKind.TRAIN.value
        answered = list(_answered(one)) if is_training else []
        return cls(
            number=one.number,
            attempt=one.attempt,
            kind=sys.intern(one.kind),
            parts=parts_of(one),
            total=(one.seconds.get("waiting", 0.0) if is_training else 0.0) + one.seconds.get("total", 0.0),
            clients=tuple(sys.intern(client["client"]) for client in answered),
            trained=array("d", [round(_training(client["seconds"]), _MILLISECOND) for client in answered]),
        )


class Gists:
    """Of the documents in a state store, what takes long to read."""

    def __init__(self, state: StateStore) -> None:
        self.state = state
        self.timings = Folds(state, Round, gist=Timing.of, size=lambda one: len(one.clients), limit=2 * ROUNDS)
        """Of each attempt at a round, and of each validation."""
        self.means = Folds(
            state, Model, gist=lambda one: (one.number, one.metrics), size=lambda one: len(one.updates), limit=ROUNDS
        )
        """Round and metrics of each model."""


def parts_of(one: Round) -> dict[str, float]:
    """The time of one attempt (s) by part. The sum is `waiting` + `total` of its record.

    A validation is one part. Of a training, the combiners work side by side and so do their clients; the round takes as
    long as the slowest of them. So the parts are those of one path: of the combiner that took longest, the client that
    took longest among those that answered. Each part is at most what is left of the total:

    - waiting: for enough clients, before the round began;
    - commit: the model's file and record are stored, at the reducer;
    - reducing: the combiners' sums become the next model;
    - download: the combiner gets the model, then the client does;
    - training: the entry point runs; of clients that don't measure it, all that they did but the download;
    - upload: the client sends its update;
    - folding: the combiner adds one update to its sum (the mean over its updates), and writes the sum;
    - other: what is left. Handing tasks out, fetching the sums, and waiting for clients that never answered.
    """
    seconds, total = one.seconds, one.seconds.get("total", 0.0)
    if one.kind != TaskKind.TRAIN.value:
        return {"validation": total}
    commit = seconds.get("commit", 0.0)
    path = {"commit": commit, "reducing": seconds.get("reduce", 0.0) - commit, **_slowest(one)}
    parts, left = {"waiting": seconds.get("waiting", 0.0)}, total
    for name, wanted in path.items():
        parts[name] = min(max(wanted, 0.0), left)
        left -= parts[name]
    return {**parts, "other": left}


def _slowest(one: Round) -> Mapping[str, float]:
    """The parts of the slowest client's path, in the order in which they are told apart."""
    if not one.combiners:
        return {}
    combiner = max(one.combiners, key=lambda each: sum(_of(each["seconds"], "stage", "clients", "partial")))
    stage, fold, partial = _of(combiner["seconds"], "stage", "fold", "partial")
    paths = []
    for client in _answered(one):
        if client["combiner"] == combiner["name"]:
            fetch, upload = _of(client["seconds"], "fetch_model", "upload_model")
            paths.append((fetch, _training(client["seconds"]), upload))
    fetch, training, upload = max(paths, key=sum, default=(0.0, 0.0, 0.0))
    folding = partial + fold / max(len(paths), 1)
    return {"download": stage + fetch, "training": training, "upload": upload, "folding": folding}


def _of(seconds: Mapping[str, float], *names: str) -> list[float]:
    return [seconds.get(name, 0.0) for name in names]


def _training(seconds: Mapping[str, float]) -> float:
    done, fetch = _of(seconds, "processing_time", "fetch_model")
    return seconds.get("exec_training", max(0.0, done - fetch))


def _answered(one: Round) -> Iterator[Body]:
    return (client for client in one.clients if client["state"] == ClientState.ANSWERED.value)
