"""Where the time went: of rounds and of clients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from fedn.core.model import ClientState, TaskKind
from fedn.errors import NotFound, NotReady
from fedn.reducer.plots.figures import ROUNDS, Figure, axis, figure, newest
from fedn.reducer.plots.metrics import chosen_sessions
from fedn.stores.documents import Body, Round, Session
from fedn.stores.protocols import StateStore

CLIENTS = 50
"""Most clients that a figure shows: the slowest."""

PARTS = ("waiting", "download", "training", "upload", "folding", "reducing", "commit", "validation", "other")
"""Of a round's time, in the order in which they are stacked."""

_MICROSECOND, _MILLISECOND = 6, 3  # digits


def round_times(state: StateStore, session_id: str = "") -> Figure:
    """The time of each round (s) as a bar of its parts, whose sum is the time from the wait for clients to the end.

    See `parts_of` for what is told as what. Several attempts at a round, and its validation, are one bar.

    Args:
        session_id: Empty takes the newest session.

    Raises:
        NotReady: There are no rounds.
        NotFound: No such session.
    """
    bars: dict[int, dict[str, float]] = {}
    oldest: Round | None = None
    for one in _rounds(state, session_id, limit=2 * ROUNDS):
        bar, oldest = bars.setdefault(one.number, dict.fromkeys(PARTS, 0.0)), one
        for name, seconds in parts_of(one).items():
            bar[name] += seconds
    if oldest is None:
        raise _nothing()
    is_whole = oldest.attempt == 1 and oldest.kind == TaskKind.TRAIN.value  # of the oldest shown, all is known
    numbers = sorted(bars)[0 if is_whole or len(bars) == 1 else 1 :][-ROUNDS:]
    return figure(
        [
            {"type": "bar", "name": part, "x": numbers, "y": [round(bars[one][part], _MICROSECOND) for one in numbers]}
            for part in PARTS
        ],
        columns=("part", "round", "seconds"),
        title={"text": "time of a round"},
        barmode="stack",
        xaxis=axis("round"),
        yaxis=axis("time (s)"),
        showlegend=True,
    )


def client_times(state: StateStore, session_id: str = "") -> Figure:
    """How long clients trained (s): a box for each, of all its rounds, the slowest by its median first.

    Args:
        session_id: Empty takes the newest session.

    Raises:
        NotReady: No client has trained.
        NotFound: No such session.
    """
    found: dict[str, list[tuple[int, float]]] = {}
    for one in _rounds(state, session_id, limit=ROUNDS, kind=TaskKind.TRAIN.value):
        for client in _answered(one):
            trained = round(_training(client["seconds"]), _MILLISECOND)
            found.setdefault(client["client"], []).append((one.number, trained))
    if not found:
        raise _nothing()
    by_median = {name: median(seconds for _, seconds in times) for name, times in found.items()}
    slowest = sorted(by_median, key=lambda name: (-by_median[name], name))[:CLIENTS]
    return figure(
        [
            {
                "type": "box",
                "name": name,
                "y": [seconds for _, seconds in reversed(found[name])],
                "text": [number for number, _ in reversed(found[name])],
                "boxpoints": "outliers",
            }
            for name in slowest
        ],
        columns=("client", "round", "seconds"),
        title={"text": "training time of a client"},
        xaxis=axis("client", type="category"),
        yaxis=axis("training (s)"),
        showlegend=False,
    )


def session_times(state: StateStore, session_ids: Sequence[str] = ()) -> Figure:
    """The time of each round (s), as `totals` has it: a line for each session.

    Args:
        session_ids: Which sessions; empty takes the newest.

    Raises:
        NotReady: There are no rounds.
        NotFound: No such session.
    """
    traces = []
    for session in chosen_sessions(state, session_ids):
        found = sorted(totals(state, session.id).items())
        if found:
            x, y = [number for number, _ in found], [round(seconds, _MICROSECOND) for _, seconds in found]
            name = f"session {session.id[:8]}"
            traces.append({"type": "scatter", "mode": "lines+markers", "name": name, "x": x, "y": y})
    if not traces:
        raise _nothing()
    return figure(
        traces,
        columns=("session", "round", "seconds"),
        title={"text": "time of a round"},
        xaxis=axis("round"),
        yaxis=axis("time (s)", rangemode="tozero"),
        showlegend=True,
    )


def totals(state: StateStore, session_id: str) -> dict[int, float]:
    """Seconds of each round of a session, from the wait for clients to the end of its validation.

    All attempts at a round are added up.
    """
    seconds: dict[int, float] = {}
    for one in newest(state, Round, where={"session_id": session_id}, limit=2 * ROUNDS, parts="clients"):
        waited = one.seconds.get("waiting", 0.0) if one.kind == TaskKind.TRAIN.value else 0.0
        seconds[one.number] = seconds.get(one.number, 0.0) + waited + one.seconds.get("total", 0.0)
    return seconds


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


def _rounds(state: StateStore, session_id: str, *, limit: int, **where: str) -> Iterator[Round]:
    """The rounds of a session, newest first."""
    if not session_id:
        session_id = next((one.id for _, one in state.find(Session, limit=1)), "")
    elif state.get(Session, session_id) is None:
        raise NotFound(f"no session {session_id!r}", hint="`fedn session list` shows them")
    return newest(state, Round, where={"session_id": session_id, **where}, limit=limit, parts="clients")


def _nothing() -> NotReady:
    return NotReady("no round has been run", hint="start a session with `fedn session start`")
