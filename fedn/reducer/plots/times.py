"""Where the time went: of rounds and of clients."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from fedn.core.model import TaskKind
from fedn.errors import NotFound, NotReady
from fedn.reducer.plots.figures import ROUNDS, Figure, axis, figure
from fedn.reducer.plots.gists import Gists
from fedn.reducer.plots.metrics import chosen_sessions
from fedn.stores.documents import Session, Summary

CLIENTS = 50
"""Most clients that a figure shows: the slowest."""

PARTS = ("waiting", "download", "training", "upload", "folding", "reducing", "commit", "validation", "other")
"""Of a round's time, in the order in which they are stacked."""

_MICROSECOND = 6  # digits


def round_times(gists: Gists, session_id: str = "") -> Figure:
    """The time of each round (s) as a bar of its parts, whose sum is the time from the wait for clients to the end.

    See `attempts.parts_of` for what is told as what. Several attempts at a round, and its validation, are one bar.

    Args:
        session_id: Empty takes the newest session.

    Raises:
        NotReady: There are no rounds.
        NotFound: No such session.
    """
    bars: dict[int, dict[str, float]] = {}
    oldest: Summary | None = None
    for one in gists.summaries.of(_session(gists, session_id)):
        bar, oldest = bars.setdefault(one.number, dict.fromkeys(PARTS, 0.0)), one
        for name, seconds in one.seconds.items():
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


def client_times(gists: Gists, session_id: str = "") -> Figure:
    """How long clients trained (s): a box for each, of all its rounds, the slowest by its median first.

    Args:
        session_id: Empty takes the newest session.

    Raises:
        NotReady: No client has trained.
        NotFound: No such session.
    """
    found: dict[str, list[tuple[int, float]]] = {}
    for one in gists.trained.of(_session(gists, session_id)):
        for client, seconds in zip(one.clients, one.seconds, strict=True):
            found.setdefault(client, []).append((one.number, seconds))
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


def session_times(gists: Gists, session_ids: Sequence[str] = ()) -> Figure:
    """The time of each round (s), as `totals` has it: a line for each session.

    Args:
        session_ids: Which sessions; empty takes the newest.

    Raises:
        NotReady: There are no rounds.
        NotFound: No such session.
    """
    traces = []
    for session in chosen_sessions(gists.state, session_ids):
        found = sorted(totals(gists, session.id).items())
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


def totals(gists: Gists, session_id: str) -> dict[int, float]:
    """Seconds of each round of a session, from the wait for clients to the end of its validation.

    All attempts at a round are added up.
    """
    seconds: dict[int, float] = {}
    for one in gists.summaries.of(session_id):
        seconds[one.number] = seconds.get(one.number, 0.0) + sum(one.seconds.values())
    return seconds


def _session(gists: Gists, session_id: str) -> str:
    """The id of a session, or of the newest. NotFound, and NotReady where there is none."""
    if not session_id:
        for _, one in gists.state.find(Session, limit=1):
            return one.id
        raise _nothing()
    if gists.state.get(Session, session_id) is None:
        raise NotFound(f"no session {session_id!r}", hint="`fedn session list` shows them")
    return session_id


def _nothing() -> NotReady:
    return NotReady("no round has been run", hint="start a session with `fedn session start`")
