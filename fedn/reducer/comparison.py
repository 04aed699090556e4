"""Sessions side by side: how they were asked for, how long their rounds took, and what came of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import mean, median

from fedn.reducer import sessions
from fedn.reducer.plots.times import totals
from fedn.reducer.services import Services
from fedn.stores.document import Body
from fedn.stores.documents import Session

_SETTINGS = (
    *("rounds", "round_timeout", "clients_required", "clients_requested", "fraction", "seed", "validate"),
    *("reproducible", "strategy", "attempts", "start_model", "parameters"),
)

_LESS_IS_BETTER = ("loss", "error", "mse", "rmse", "mae", "perplexity", "entropy")


def compare(services: Services, session_ids: Sequence[str]) -> list[Body]:
    """What there is to compare of these sessions, in their order; of each its newest 1,000 rounds. NotFound."""
    found = [sessions.get(services, one) for one in dict.fromkeys(session_ids)]
    differing = [name for name in _SETTINGS if any(getattr(one, name) != getattr(found[0], name) for one in found)]
    return [_one(services, session, differing) for session in found]


def is_less_better(metric: str) -> bool:
    """Whether the best value of a metric is the lowest, as far as its name tells: that of a loss or an error is."""
    return any(word in metric.lower() for word in _LESS_IS_BETTER)


def _one(services: Services, session: Session, differing: Sequence[str]) -> Body:
    measured: dict[str, list[tuple[int, float]]] = {}
    for one in services.gists.summaries.of(session.id):
        for name, value in one.metrics.items():
            if math.isfinite(value):
                measured.setdefault(name, []).append((one.number, value))
    return {
        "session_id": session.id,
        "state": session.state,
        "settings": {name: getattr(session, name) for name in differing},
        "rounds_done": session.rounds_done,
        "seconds": _spread(list(totals(services.gists, session.id).values())),
        "metrics": {name: _metric(name, points) for name, points in sorted(measured.items())},
    }


def _spread(seconds: list[float]) -> Body | None:
    if not seconds:
        return None
    p95 = sorted(seconds)[math.ceil(0.95 * len(seconds)) - 1]  # nearest rank
    return {"mean": mean(seconds), "median": median(seconds), "p95": p95}


def _metric(name: str, points: list[tuple[int, float]]) -> Body:
    """Of points from the newest to the oldest; of several that are best, the oldest is."""
    less = is_less_better(name)
    best_round, best = min(points, key=lambda point: (point[1] if less else -point[1], point[0]))
    final_round, final = points[0]
    return {
        "final": final,
        "final_round": final_round,
        "best": best,
        "best_round": best_round,
        "better": "lower" if less else "higher",
    }
