"""What clients printed before they failed: where to look first when training doesn't work."""

from __future__ import annotations

from collections.abc import Iterator

from fedn.api import Reducer

_CLIENTS = 3
_LINES = 20


def printed(reducer: Reducer, session_id: str) -> Iterator[str]:
    """The end of what some clients printed that failed in the session's newest round with such, line by line."""
    for one in reducer.rounds(session_id):
        told = [(client["client"], *_parts(client["detail"])) for client in reducer.round(one.id).clients]
        broken = [(name, reason, output) for name, reason, output in told if output]
        for name, reason, output in broken[:_CLIENTS]:
            yield f"client {name} in round {one.number}: {reason}"
            yield from (f"    {line}" for line in output.splitlines()[-_LINES:])
        if broken:
            return


def _parts(detail: str) -> tuple[str, str]:
    """The reason and what was printed, as `fedn.core.model.Progress` keeps them together."""
    reason, _, output = detail.partition("\n")
    return reason, output.strip()
