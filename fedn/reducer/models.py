"""Seeding the model trail."""

from __future__ import annotations

from pathlib import Path

from fedn.reducer import control, journal
from fedn.reducer.feed import Notice
from fedn.reducer.services import Services
from fedn.stores.documents import Body, Model


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


def brief(model: Model) -> Body:
    """A model's record without its updates, of which there may be thousands."""
    return {key: value for key, value in model.to_body().items() if key != "updates"}
