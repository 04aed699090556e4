"""Models that clients validated, as the reducer writes them down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fedn.reducer import attempts
from fedn.reducer.trail import weighted_means
from fedn.stores.documents import Model, Round, Validation
from fedn.stores.protocols import Change, Insert


def attempt(number: int = 1, *, kind: str = "train", attempt: int = 1, **fields: Any) -> Round:
    """The record of an attempt at a round, of the session `s`."""
    about = {"session_id": "s", "model_id": "m", "seconds": {"total": 1.0}, "started_at": 0.0, "ended_at": 1.0}
    given = {"id": f"{kind}-{number}-{attempt}", "state": "finished", **about, **fields}
    return Round(number=number, attempt=attempt, kind=kind, **given)


def validated(
    model_id: str, found: Mapping[str, Mapping[str, float]], *, number: int = 1, session_id: str = "s"
) -> tuple[Change, ...]:
    """What is written of a model and of what each client measured of it."""
    validations = validations_of(model_id, found, session_id=session_id)
    about = {"size": 1, "sha256": "", "committed_at": 0.0, "number": number, "session_id": session_id}
    model = Model(id=model_id, metrics=weighted_means(validations), **about)  # type: ignore[arg-type]
    one = attempt(number, kind="validate", id=f"of {model_id}", model_id=model_id, session_id=session_id)
    return Insert(model), *attempts.written(one, validations), *map(Insert, validations)


def validations_of(
    model_id: str, found: Mapping[str, Mapping[str, float]], *, session_id: str = "s"
) -> list[Validation]:
    """What clients measured of a model."""
    about: dict[str, Any] = {"model_id": model_id, "session_id": session_id, "round_id": f"of {model_id}"}
    return [
        Validation(
            id=f"{model_id}.{client}",
            client=client,
            combiner="c1",
            examples=1,
            metrics=dict(metrics),
            data={},
            at=0.0,
            **about,
        )
        for client, metrics in found.items()
    ]
