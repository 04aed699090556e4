from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from fedn.cli.live import follow, panel
from fedn.cli.progress import Progress
from fedn.errors import TrainingFailed, Unavailable
from fedn.stores.documents import Session

Notice = tuple[str, dict[str, Any]]


def session(**changes: Any) -> Notice:
    return "session", Session(id="s1", rounds=2, created_at=0.0, started_at=1.0, **changes).to_body()


def about(kind: str, number: int) -> dict[str, Any]:
    return {"round_id": f"{kind}-{number}", "number": number, "kind": kind}


def started(kind: str = "train", number: int = 1) -> Notice:
    return "round_started", {**about(kind, number), "clients": ["a", "b"]}


def progress(*states: tuple[str, str, int], kind: str = "train", number: int = 1) -> Notice:
    clients = [
        {"client": name, "state": state, "detail": "out of\nmemory", "bytes": size} for name, state, size in states
    ]
    return "round_progress", {**about(kind, number), "clients": clients}


def finished(kind: str = "train", number: int = 1, error: str = "", answered: int = 2) -> Notice:
    combiners = [{"asked": 2, "answered": answered}]
    body = {**about(kind, number), "id": f"{kind}-{number}", "attempt": 1, "error": error, "combiners": combiners}
    return "round_finished", {**body, "seconds": {"total": 0.5}}


def validated(number: int = 1, **metrics: float) -> Notice:
    return "validation", {"number": number, "metrics": metrics}


ONE_ROUND = [
    started(),
    progress(("a", "answered", 1024)),
    progress(("b", "answered", 1024)),
    finished(),
    started("validate"),
    validated(loss=0.25, accuracy=0.75, extra=1.0),
    finished("validate"),
]


def lines(*notices: Notice, terminal: bool = False) -> str:
    """What following these shows."""
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120, color_system=None)
    try:
        follow(notices, console)
    finally:
        shown = console.file.getvalue()  # type: ignore[attr-defined]
    return shown


def test_a_round_is_a_line_once_it_is_validated() -> None:
    shown = lines(session(), *ONE_ROUND, session(state="finished", ended_at=9.0))
    assert shown == "round 1 of 2: 2 of 2 clients, 2.0 KiB, 1.00 s  accuracy=0.7500 extra=1.0000 loss=0.2500\n"


def test_a_round_is_a_line_once_it_is_trained_where_nothing_is_validated() -> None:
    shown = lines(session(validate=False), *ONE_ROUND[:4], session(state="finished", validate=False, ended_at=9.0))
    assert shown == "round 1 of 2: 2 of 2 clients, 2.0 KiB, 0.50 s\n"


def test_a_watch_may_begin_in_the_middle_of_a_round() -> None:
    shown = lines(session(validate=False), *ONE_ROUND[1:4], session(state="finished", ended_at=9.0))
    assert "2 of 2 clients, 2.0 KiB" in shown


def test_what_is_told_again_is_said_once() -> None:
    broken = progress(("a", "broken", 0))
    again = [started(), broken, progress(("b", "answered", 1024)), finished(answered=1)]
    shown = lines(session(validate=False), started(), broken, *again, session(state="finished", ended_at=9.0))
    assert shown == "round 1: a broken: out of memory\nround 1 of 2: 1 of 2 clients, 1.0 KiB, 0.50 s\n"


def test_troubles_are_said() -> None:
    notices = [started(), progress(("a", "broken", 0)), finished(error="0 of 2\nanswered", answered=0)]
    shown = lines(session(), *notices, session(state="stopped", ended_at=9.0))
    assert shown == "round 1: a broken: out of memory\nround 1, attempt 1: 0 of 2 answered\n"


def test_a_failed_session_is_a_failure() -> None:
    with pytest.raises(TrainingFailed, match="after 0 of 2 rounds: all are gone"):
        lines(session(), session(state="failed", error="all are gone", ended_at=9.0))


def test_a_watch_that_breaks_off_is_no_end() -> None:
    with pytest.raises(Unavailable):
        lines(session(), started())
    with pytest.raises(Unavailable):
        lines()


def test_a_terminal_gets_a_panel() -> None:
    shown = lines(session(), *ONE_ROUND, session(state="finished", ended_at=9.0), terminal=True)
    assert "session s1 · finished" in shown
    assert "2/2" in shown
    assert "0.7500" in shown


def test_the_panel_shows_what_is_on() -> None:
    now = Progress()
    assert "connecting" in rendered(now)
    for kind, data in (session(), *ONE_ROUND, started(number=2), progress(("a", "working", 0), number=2)):
        now.take(kind, data)
    shown = rendered(now)
    assert "round 2 of 2" in shown
    assert "train: 1 asked, 1 working" in shown
    now.take(*progress(("b", "lost", 0), number=2))
    assert "round 2: b lost: out of memory" in rendered(now)


def test_metrics_of_other_names_are_shown_too() -> None:
    now = Progress()
    for kind, data in (session(), *ONE_ROUND[:5], validated(share=0.5), finished("validate")):
        now.take(kind, data)
    assert "share=0.5000" in rendered(now)


def rendered(now: Progress) -> str:
    console = Console(file=io.StringIO(), width=120, color_system=None)
    console.print(panel(now))
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_the_panel_says_that_the_reducer_is_away_until_it_is_back() -> None:
    now = Progress()
    for kind, data in (session(state="running"), started(), ("watch_lost", {"error": "no reducer at x"})):
        now.take(kind, data)
    shown = rendered(now)
    assert "session s1 · the reducer is away" in shown
    assert "the reducer is away, and dialled anew: no reducer at x" in shown
    now.take("watch_back", {"seconds": 2.0})
    assert "session s1 · running" in rendered(now)
    assert "the reducer is back after 2.0 s" in rendered(now)
