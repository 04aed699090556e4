"""What clients printed before they failed: where to look first when training doesn't work."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from fedn.api import Reducer
from fedn.log import harmless
from fedn.stores.documents import Round

_ROUNDS = 5  # of the newest in which clients failed: each is asked for
_CLIENTS = 3
_LINES = 20


def printed(reducer: Reducer, session_id: str) -> Iterator[str]:
    """The end of what some clients printed that failed in the session's newest round with such, line by line."""
    incomplete = filter(_is_incomplete, reducer.rounds(session_id))
    for one in islice(incomplete, _ROUNDS):
        told = [(client["client"], *_parts(client["detail"])) for client in reducer.round(one.id).clients]
        broken = [(name, reason, output) for name, reason, output in told if output]
        for name, reason, output in broken[:_CLIENTS]:
            yield harmless(f"client {name} in round {one.number}: {reason}")
            yield from (f"    {harmless(line)}" for line in output.splitlines()[-_LINES:])
        if broken:
            return


def _is_incomplete(one: Round) -> bool:
    return any(combiner["answered"] < combiner["asked"] for combiner in one.combiners)


def _parts(detail: str) -> tuple[str, str]:
    """The reason and what was printed, as `fedn.core.model.Progress` keeps them together."""
    reason, _, output = detail.partition("\n")
    return reason, output.strip()
