"""Where the network stands: the step of its set-up that is missing, and what the reducer does."""

from __future__ import annotations

from typing import Literal

from fedn.reducer import control
from fedn.reducer.services import Services
from fedn.stores.documents import Session

Step = Literal["", "package", "model"]


def missing_step(services: Services) -> Step:
    """What an operator has to set next: the compute package, then the seed model, then nothing.

    A federation that has a model is set up, package or not: clients that work with functions of their own need none.
    """
    current = control.read(services.state)
    if current.latest_model:
        return ""
    return "model" if current.package_id else "package"


def state(services: Services) -> str:
    """setup, until there is a model · idle · instructing, until a session that was asked for begins · monitoring, until
    it ends."""
    current = control.read(services.state)
    session = services.state.get(Session, current.session_id) if current.session_id else None
    if session is not None and session.state != "queued":
        return "monitoring"
    return control.state(current)
