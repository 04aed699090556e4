"""The one document that says what the reducer does now, and the changes that may be made to it."""

from __future__ import annotations

from collections.abc import Callable

from fedn.errors import Conflict, SessionRunning, StaleRevision
from fedn.reducer.patience import made
from fedn.stores.documents import Control
from fedn.stores.protocols import Change, Insert, Put, StateStore

_TRIES = 20
"""How often a change is tried anew that others were faster with: a few operators and one worker write here."""

Decide = Callable[[Control], tuple[Control, tuple[Change, ...]]]
"""From what the document says now: what it shall say, and what else shall change in the same step."""


def read(state: StateStore) -> Control:
    """What the document says; before the first change, the defaults."""
    return state.get(Control, Control.KEY) or Control(id=Control.KEY)


def change(state: StateStore, decide: Decide) -> Control:
    """Change the document and what goes with it in one step, by a decision that holds at that moment.

    Whatever `decide` raises leaves everything as it was. It may be called again when others changed the document.

    Raises:
        StaleRevision: Others kept changing it.
    """
    for _ in range(_TRIES):
        found = state.get_record(Control, Control.KEY)
        document, changes = decide(found[0] if found else Control(id=Control.KEY))
        try:
            state.write(*changes, Put(document, found[1]) if found else Insert(document))
        except Conflict:
            if not made(state, changes):  # else an earlier try made it, whose answer was lost
                continue  # someone else was faster
        return document
    raise StaleRevision("the state of the reducer keeps changing", hint="try again")


def refuse_while_running(control: Control) -> None:
    """SessionRunning, if one does."""
    if control.session_id:
        raise SessionRunning(
            f"session {control.session_id} is running",
            hint=f"wait for its end, or stop it with `fedn session stop {control.session_id}`",
        )


def state(current: Control) -> str:
    """setup, until there is a model · idle · instructing, while a session runs."""
    if current.session_id:
        return current.state
    return "idle" if current.latest_model else "setup"
