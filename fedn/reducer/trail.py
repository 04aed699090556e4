"""The model trail: an append-only record of models, each with its parent and the updates it was made from."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from fedn.core import weights as w
from fedn.core.aggregation import Partial
from fedn.core.finite import check_finite
from fedn.core.model import File, Presigned, Progress
from fedn.core.strategies import create
from fedn.errors import InvalidModel, InvalidUpdate, NotFound, Unavailable
from fedn.reducer import control
from fedn.reducer.patience import Patience, impatient, write
from fedn.stores.document import Body
from fedn.stores.documents import Model, Session, Tag, Validation
from fedn.stores.protocols import ArtifactStore, Change, Insert, Put, StateStore

BUCKET = "fedn-models"

SMALL = 1024 * 1024
"""Models up to so many bytes are handled in memory and travel inside messages."""

SHORTEST_URL, LONGEST_URL = 60.0, 3600.0
"""Seconds that a model's URL is good for: combiners fetch at once, but clocks may differ a little."""


@dataclass(frozen=True)
class Start:
    """A model that rounds start from: its record, and its content where small."""

    model: Model
    data: bytes

    @property
    def file(self) -> File:
        return File(self.model.id, self.model.size, self.model.sha256)


class Trail:
    """Appends to the trail and reads it. Only `seed` may be called by another thread than the worker's.

    Args:
        scratch: Folder for large models and partials on their way.
    """

    def __init__(self, state: StateStore, artifacts: ArtifactStore, *, scratch: Path) -> None:
        self._state = state
        self._artifacts = artifacts
        self.scratch = scratch

    def seed(self, source: Path) -> Model:
        """Commit a seed model. The newest model of the trail, seed or not, is where the next session starts.

        Raises:
            InvalidModel: The file does not load, or holds what can't be averaged.
        """
        arrays = w.read(source)
        _check(arrays)
        document = self._document(source, arrays, str(uuid.uuid4()))
        self._append(document)
        return document

    def latest(self) -> Model | None:
        """The newest model; None before the first seed."""
        newest = control.read(self._state).latest_model
        return self._state.get(Model, newest) if newest else None

    def get(self, name: str) -> Model:
        """The record of a model, by its id or by the name of a tag on it; NotFound."""
        model = self._state.get(Model, name)
        if model is None:
            tag = self._state.get(Tag, name)
            model = self._state.get(Model, tag.model_id) if tag else None
        if model is None:
            raise NotFound(f"no model {name!r}, and no tag of that name", hint="`fedn model list` shows them")
        return model

    def lineage(self, name: str) -> Iterator[Model]:
        """A model, by id or tag, then its parent and so on to the seed; NotFound."""
        model: Model | None = self.get(name)
        while model is not None:
            yield model
            model = self._state.get(Model, model.parent) if model.parent else None

    def open(self, name: str) -> BinaryIO:
        """The content of a model, by id or tag, for the caller to close; NotFound."""
        return self._artifacts.open(BUCKET, self.get(name).id)

    @contextmanager
    def weights(self, *models: Model) -> Iterator[tuple[w.Weights, ...]]:
        """The arrays of models, mapped where their format allows it; those of a distant store are fetched first."""
        with TemporaryDirectory(dir=self.scratch, prefix="weights-") as folder:
            found = {each: w.read(self._local(each, Path(folder))) for each in {model.id for model in models}}
            yield tuple(found[model.id] for model in models)

    def start(self, name: str) -> Start:
        """A model to start a round from, by id or tag."""
        model = self.get(name)
        return Start(model, self._artifacts.read(BUCKET, model.id) if model.size <= SMALL else b"")

    def reach(self, model: Model, *, seconds: float) -> Presigned | None:
        """`Unavailable` where a model's content can't be had now.

        Returns:
            Where combiners may fetch it in the next `seconds`, besides here; None where the store gives no such URLs.
        """
        self._artifacts.size(BUCKET, model.id)
        lifetime = min(max(seconds, SHORTEST_URL), LONGEST_URL)
        return self._artifacts.presign(BUCKET, model.id, seconds=lifetime)

    def commit(
        self,
        partials: Sequence[Partial],
        updates: Sequence[tuple[str, Progress]],
        *,
        parent: Start,
        session: Session,
        round_id: str,
        number: int,
        patience: Patience | None = None,
        stopped: threading.Event | None = None,
        waits: Callable[[Unavailable], None] | None = None,
        timed: Callable[[str], AbstractContextManager[None]] = lambda _: nullcontext(),
    ) -> tuple[Model, bytes]:
        """Reduce partials to the next model and append it: the model's file first, then its record and the session's
        new standing in one step, so that a crash between leaves nothing but a file without a name.

        Args:
            partials: One of each combiner; they are used up.
            updates: (combiner, accepted update), for the record.
            patience: With stores that are out of reach; by default none.
            waits: Is told, where a store is out of reach.
            timed: Measures what is done in it, as `commit`: the storing of file and record.
            stopped: Where this is set, the model's file is waited for no longer. Its record is, for it may stand.

        Returns:
            The model, and its content where small.

        Raises:
            InvalidModel: The mean is not finite.
            Unavailable: A store is out of reach, and patience at its end.
        """
        patience = patience or impatient()
        model_id = str(uuid.uuid4())  # the same for every try
        total = partials[0]
        for one in partials[1:]:
            total.merge(one)
        with TemporaryDirectory(dir=self.scratch, prefix="reduce-") as folder:
            local = partial(self._local, parent.model.id, Path(folder))
            before = parent.data or patience.keep(local, unless=stopped, waits=waits)
            arrays = create(session.strategy).finish(total, w.read(before))
            _check(arrays)
            content = _content(arrays, w.style_of(before), None if parent.data else Path(folder) / "next")
            with timed("commit"):
                store = partial(self._document, content, arrays, model_id)
                stored = patience.keep(store, unless=stopped, waits=waits)
            document = replace(
                stored,
                parent=parent.model.id,
                session_id=session.id,
                round_id=round_id,
                number=number,
                updates=[_update(combiner, progress) for combiner, progress in updates],
            )
        standing = replace(session, rounds_done=number, model_id=document.id)
        with timed("commit"):
            patience.keep(lambda: self._append(document, Put(standing)), waits=waits)
        return document, content if isinstance(content, bytes) else b""

    def validate(self, model: Model, validations: Sequence[Validation], *more: Change) -> Model:
        """Record the clients' validations of a model, their weighted means with it, and `more`, in one step."""
        validated = replace(model, metrics=weighted_means(validations))
        write(self._state, *more, *(Insert(one) for one in validations), Put(validated))
        return validated

    def _document(self, source: Path | bytes, arrays: w.Weights, model_id: str) -> Model:
        """Store the content and make its record."""
        stored = self._artifacts.put(BUCKET, model_id, source)
        return Model(
            id=model_id,
            size=stored.size,
            sha256=stored.sha256,
            committed_at=time.time(),
            parameters=sum(array.size for array in arrays.values()),
        )

    def _append(self, model: Model, *more: Change) -> None:
        """Make `model` the newest of the trail, and `more` with it, in one step."""
        control.change(self._state, lambda now: (replace(now, latest_model=model.id), (Insert(model), *more)))

    def _local(self, model_id: str, scratch: Path) -> Path:
        """The model as a file on this machine."""
        path = self._artifacts.path(BUCKET, model_id)
        if path is None:
            path = scratch / model_id
            with self._artifacts.open(BUCKET, model_id) as source, path.open("wb") as target:
                while piece := source.read(SMALL):
                    target.write(piece)
        return path


def _check(arrays: w.Weights) -> None:
    try:
        check_finite(arrays)
    except InvalidUpdate as error:
        raise InvalidModel(error.message, hint="such a model can't be averaged") from error


def _content(arrays: w.Weights, style: w.Style, path: Path | None) -> Path | bytes:
    """The file of a model: at `path`, or in memory."""
    target = BytesIO() if path is None else path
    w.write(arrays, target, format=style)
    return target.getvalue() if isinstance(target, BytesIO) else target


def _update(combiner: str, progress: Progress) -> Body:
    answer = progress.answer
    if answer is None:
        return {"client": progress.client, "combiner": combiner}
    return {
        "client": progress.client,
        "combiner": combiner,
        "examples": answer.examples,
        "metrics": dict(answer.metrics),
        "bytes": answer.update.size if answer.update else 0,
    }


def weighted_means(validations: Sequence[Validation]) -> dict[str, float]:
    """Mean of each metric over the clients that report it, weighted by their numbers of examples."""
    sums: dict[str, float] = {}
    weights: dict[str, float] = {}
    for one in validations:
        for name, value in one.metrics.items():
            sums[name] = sums.get(name, 0.0) + one.examples * value
            weights[name] = weights.get(name, 0.0) + one.examples
    return {name: sums[name] / weights[name] for name in sums}
