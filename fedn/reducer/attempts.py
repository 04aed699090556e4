"""What is written down of an attempt at a round: its record, and beside it, small, what figures are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from fedn.core.model import ClientState, TaskKind
from fedn.reducer.trail import weighted_means
from fedn.stores.document import Body
from fedn.stores.documents import Readings, Round, Summary, Validation
from fedn.stores.protocols import Change, Insert

SECONDS = "seconds"
"""The column of a training's readings: how long each client trained, to the millisecond."""

_MILLISECOND = 3  # digits


def written(one: Round, validations: Sequence[Validation]) -> tuple[Change, ...]:
    """The changes that write an attempt down, to be made in one step. The record is the last.

    So whatever record is older than a summary or readings has such of its own, or was written by an earlier version.
    """
    return Insert(summary(one, weighted_means(validations))), Insert(readings(one, validations)), Insert(one)


def summary(one: Round, metrics: Mapping[str, float]) -> Summary:
    """The summary of an attempt, and of the means that it found."""
    return Summary(
        id=one.id,
        session_id=one.session_id,
        number=one.number,
        attempt=one.attempt,
        kind=one.kind,
        model_id=one.model_id,
        state=one.state,
        error=one.error,
        result_model=one.result_model,
        asked=sum(each["asked"] for each in one.combiners),
        answered=sum(each["answered"] for each in one.combiners),
        bytes=sum(each["bytes"] for each in one.clients),
        seconds=parts_of(one),
        metrics=dict(metrics),
    )


def readings(one: Round, validations: Iterable[Validation]) -> Readings:
    """What the clients measured in an attempt: of a training it is in the record, of a validation in `validations`."""
    found = [(each.client, each.metrics) for each in validations]
    if one.kind == TaskKind.TRAIN.value:
        trained = ((each["client"], _training(each["seconds"])) for each in _answered(one))
        found = [(client, {SECONDS: round(seconds, _MILLISECOND)}) for client, seconds in trained]
    names = sorted({name for _, measured in found for name in measured})
    return Readings(
        id=one.id,
        session_id=one.session_id,
        number=one.number,
        kind=one.kind,
        model_id=one.model_id,
        clients=[client for client, _ in found],
        values={name: [measured.get(name) for _, measured in found] for name in names},
    )


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
