"""Following a session: a panel that is drawn anew on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from fedn.cli import show
from fedn.cli.progress import Progress, Row
from fedn.core.progress import RoundProgress
from fedn.errors import TrainingFailed, Unavailable
from fedn.stores.documents import Session

_ROWS = 8
_TROUBLES = 3
_FIRST = ("loss", "accuracy")
"""Metrics that have columns of their own, when there are such."""


def follow(notices: Iterable[tuple[str, dict[str, Any]]], console: Console) -> Session:
    """Show a session until it has ended.

    Args:
        notices: As `Reducer.watch_session` yields them, or `redialled`.

    Raises:
        TrainingFailed: The session failed; says why.
        Unavailable: The notices end before the session.
    """
    progress = Progress()
    if console.is_terminal:
        with Live(get_renderable=lambda: panel(progress), console=console, refresh_per_second=8):
            for kind, data in notices:
                progress.take(kind, data)
    else:
        for kind, data in notices:
            for line in progress.take(kind, data):
                console.print(line)
                console.file.flush()  # whoever reads it through a pipe follows, too
    return outcome(progress)


def outcome(progress: Progress) -> Session:
    """The session as it ended; raises as `follow` does."""
    session = progress.session
    if session is None or not progress.ended:
        raise Unavailable("the reducer ended the watch before the session was over", hint="`fedn session list`")
    if session.state == "failed":
        raise TrainingFailed(
            f"session {session.id} failed after {session.rounds_done} of {session.rounds} rounds: {session.error}",
            hint=f"`fedn session show {session.id}` and the logs of the clients say what they printed",
        )
    return session


def panel(progress: Progress) -> RenderableType:
    """A session as one picture."""
    session = progress.session
    if session is None:
        return Panel("connecting …", title="session")
    parts: list[RenderableType] = [_rounds(progress, session)]
    if progress.round is not None and not progress.ended:
        parts.append(_round(progress.round))
    if progress.rows:
        parts.append(_table(list(progress.rows.values())[-_ROWS:]))
    parts += [Text(trouble, style="yellow", overflow="ellipsis") for trouble in progress.troubles[-_TROUBLES:]]
    state = "the reducer is away" if progress.away else session.state
    return Panel(Group(*parts), title=f"session {session.id[:12]} · {state}", title_align="left", width=96)


def _rounds(progress: Progress, session: Session) -> RenderableType:
    began, until = session.started_at or session.created_at, session.ended_at or time.time()
    number = progress.round.number if progress.round else session.rounds_done
    text = f"round {number} of {session.rounds} · {until - began:.1f} s"
    return _bar(text, done=len([row for row in progress.rows.values() if row.answered]), total=session.rounds)


def _round(round_: RoundProgress) -> RenderableType:
    states = ", ".join(f"{count} {state}" for state, count in sorted(round_.states.items()))
    text = f"{round_.kind.value}: {states} · {show.size(round_.size)}"
    return _bar(text, done=round_.done, total=len(round_.clients))


def _bar(text: str, *, done: int, total: int) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=30)
    grid.add_column()
    grid.add_row(ProgressBar(total=max(total, 1), completed=done), Text(text))
    return grid


def _table(rows: list[Row]) -> RenderableType:
    names = [name for name in _FIRST if any(name in row.metrics for row in rows)]
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for heading in ("round", "clients", "updates", "seconds", *names, "" if names else "metrics"):
        table.add_column(heading, justify="right")
    for row in rows:
        found = [f"{row.metrics[name]:.4f}" if name in row.metrics else "" for name in names]
        rest = "" if names else show.metrics(row.metrics)
        answers = f"{row.answered}/{row.asked}"
        table.add_row(str(row.number), answers, show.size(row.size), f"{row.seconds:.2f}", *found, rest)
    return table
