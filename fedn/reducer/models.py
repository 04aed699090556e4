"""What is done with the models of the trail: seeding it, comparing two of them."""

from __future__ import annotations

import threading
from pathlib import Path

from fedn.core.difference import Difference, difference
from fedn.errors import Unavailable
from fedn.reducer import control, journal
from fedn.reducer.feed import Notice
from fedn.reducer.services import Services
from fedn.stores.document import Body
from fedn.stores.documents import Model

COMPARISONS = 2
"""How many may run at once: each reads two models from the disk, which rounds need, too."""

comparing = threading.BoundedSemaphore(COMPARISONS)
"""Held by each comparison while it runs."""


def seed(services: Services, source: Path) -> Model:
    """Commit a model that the next session starts from.

    Raises:
        InvalidModel: The file doesn't load, or holds what can't be averaged.
        SessionRunning: A session would go on without it.
    """
    control.refuse_while_running(control.read(services.state))
    model = services.trail.seed(source)
    journal.record(services, "model_seeded", f"seed model of {model.parameters} parameters", model_id=model.id)
    services.feed.publish(Notice("model", data=brief(model)))
    return model


def compare(services: Services, a: Model, b: Model) -> Difference:
    """How far two models lie apart.

    Raises:
        Conflict: They are not made of the same arrays.
        Unavailable: Too many others are compared, or a store is out of reach.
    """
    if not comparing.acquire(blocking=False):
        raise Unavailable(f"{COMPARISONS} other comparisons of models run", hint="try again later")
    try:
        with services.trail.weights(a, b) as (first, second):
            return difference(first, second)
    finally:
        comparing.release()


def brief(model: Model) -> Body:
    """A model's record without its updates, of which there may be thousands."""
    return {key: value for key, value in model.to_body().items() if key != "updates"}
