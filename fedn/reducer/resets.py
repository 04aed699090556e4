"""Resets for development: what was trained, or all that was set up, is forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from fedn.reducer import control, journal, packages, trail
from fedn.reducer.services import Services
from fedn.stores.document import Document
from fedn.stores.documents import (
    Control,
    Event,
    Model,
    Package,
    Readings,
    Round,
    Session,
    Summary,
    Tag,
    Validation,
)
from fedn.stores.protocols import Change

_MEASURED = (Summary, Readings, Validation)


def delete_model_trail(services: Services) -> None:
    """Forget all models, their tags and validations. SessionRunning while a session runs."""
    _reset(services, lambda current: replace(current, latest_model=""))
    _forget(services, (Model, Tag, *_MEASURED), buckets=(trail.BUCKET,))
    journal.record(services, "model_trail_deleted", "the model trail was deleted")


def drop_control(services: Services) -> None:
    """Forget all but who belongs to the network. SessionRunning while a session runs."""
    _reset(services, lambda current: Control(id=current.id))
    kinds = (Model, Tag, *_MEASURED, Round, Session, Event, Package)
    _forget(services, kinds, buckets=(trail.BUCKET, packages.BUCKET))
    journal.record(services, "control_dropped", "package, models, sessions and events were deleted")


def _reset(services: Services, fresh: Callable[[Control], Control]) -> None:
    def decide(current: Control) -> tuple[Control, tuple[Change, ...]]:
        control.refuse_while_running(current)
        return fresh(current), ()

    control.change(services.state, decide)


def _forget(services: Services, kinds: Iterable[type[Document]], *, buckets: Iterable[str]) -> None:
    """The records first: a file without a record is litter, a record without its file a fault."""
    services.state.clear(kinds)
    for bucket in buckets:
        for key in services.artifacts.list(bucket):
            services.artifacts.delete(bucket, key)
