from __future__ import annotations

from typing import Any

from fedn.core.model import ClientState, TaskKind
from fedn.core.progress import NAMED, RoundProgress

ROUND = {"round_id": "r", "number": 3, "attempt": 2, "kind": "train", "started_at": 100.0, "seconds": 60.0}


def begun(*clients: str, **combiners: int) -> RoundProgress:
    return RoundProgress.begun({**ROUND, "clients": sorted(clients), "combiners": combiners})


def told(client: str, state: str, *, combiner: str = "c1", size: int = 0) -> dict[str, Any]:
    return {"clients": [{"client": client, "combiner": combiner, "state": state, "detail": "", "bytes": size}]}


def test_all_are_asked_at_first() -> None:
    progress = begun("a", "b", c1=2)
    assert (progress.states, progress.done, progress.size) == ({"asked": 2}, 0, 0)
    assert (progress.number, progress.attempt, progress.kind) == (3, 2, TaskKind.TRAIN)
    assert progress.deadline == 160.0


def test_what_is_told_twice_counts_once() -> None:
    progress = begun("a", "b", c1=2)
    for _ in range(2):
        progress.take(told("a", "answered", size=10))
    assert (progress.states, progress.done, progress.size) == ({"asked": 1, "answered": 1}, 1, 10)


def test_each_combiner_has_its_clients_and_those_not_heard_of() -> None:
    progress = begun("a", "b", "c", "d", c1=2, c2=2)
    progress.take(told("a", "answered", size=10))
    progress.take(told("c", "working", combiner="c2"))
    progress.take(told("d", "lost", combiner="c2"))
    assert list(progress.by_combiner()) == [
        ("c1", {"asked": 1, "answered": 1}, 10),
        ("c2", {"working": 1, "lost": 1}, 0),
    ]


def test_those_that_are_least_far_are_named_first() -> None:
    progress = begun("a", "b", "c", "d", c1=4)
    for client, state in (("a", "uploading"), ("b", "working"), ("c", "answered")):
        progress.take(told(client, state))
    waited = [("d", ClientState.ASKED), ("b", ClientState.WORKING), ("a", ClientState.UPLOADING)]
    assert progress.unanswered == waited
    many = begun(*(f"client-{number:04}" for number in range(1000)), c1=1000)
    assert len(many.unanswered) == NAMED


def test_a_watch_may_begin_in_the_middle() -> None:
    progress = RoundProgress.begun({"round_id": "r", "number": 1, "kind": "validate"})
    assert progress.deadline is None
    progress.take(told("a", "working"))
    assert [(name, dict(states)) for name, states, _ in progress.by_combiner()] == [("c1", {"working": 1})]
