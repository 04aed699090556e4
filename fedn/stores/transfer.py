"""Moves a whole federation from one pair of stores to another.

Files are copied before documents where nothing changes meanwhile, so that no document is ever without its file. All of
it can be repeated after it was cut short: what arrived is not sent again.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from fedn.errors import ConfigError, Conflict, Corrupt, NotFound
from fedn.stores.documents import KINDS, Model, Package
from fedn.stores.protocols import ArtifactStore, Record, StateStore

MODELS, PACKAGES = "fedn-models", "fedn-context"
_PAGE = 1000
_PIECE = 1 << 20


@dataclass(frozen=True)
class Named:
    """A file as the document says that names it."""

    bucket: str
    key: str
    size: int
    sha256: str

    @property
    def what(self) -> str:
        """What it is, for people."""
        return f"the {'model' if self.bucket == MODELS else 'compute package'} {self.key}"


@dataclass(frozen=True)
class Progress:
    """How far the files are."""

    done: int
    total: int
    bytes: int
    """Of the files done."""


@dataclass
class Moved:
    """What was moved."""

    documents: Counter[str] = field(default_factory=Counter)
    """How many, by kind."""
    files: int = 0
    """How many the target has now."""
    present: int = 0
    """How many of them it had before."""
    bytes: int = 0
    """Of all those files."""
    orphans: int = 0
    """Files that no document names. They are not copied."""


Report = Callable[[Progress], None]


def is_empty(state: StateStore) -> bool:
    """Whether a store has no documents. ConfigError where a `load` into it was cut short."""
    return not any(state.count(kind) for kind in KINDS)


def takes_load(state: StateStore) -> bool:
    """Whether a store has no documents, or only what a `load` left that was cut short: another begins anew."""
    try:
        return is_empty(state)
    except ConfigError:
        return True


def copy_documents(source: StateStore, target: StateStore, moved: Moved) -> None:
    """Copy every document as of one moment, numbers and all.

    Raises:
        Conflict: The target has documents.
    """

    def counted() -> Iterator[Record]:
        for record in source.dump():
            yield record
            moved.documents[record.document.KIND] += 1

    target.load(counted())


def copy_files(
    state: StateStore, source: ArtifactStore, target: ArtifactStore, moved: Moved, *, report: Report
) -> None:
    """Copy every file that a document of `state` names, each checked by its digest. Those that are there are left.

    Raises:
        NotFound: A file is missing; says which.
        Corrupt: One differs from its digest; says which.
    """
    files = list(_named(state))
    for done, file in enumerate(files):
        report(Progress(done, len(files), moved.bytes))
        if _has(target, file):
            moved.present += 1
        else:
            _copy(file, source, target)
        moved.files += 1
        moved.bytes += file.size
    report(Progress(len(files), len(files), moved.bytes))
    names = {(file.bucket, file.key) for file in files}
    moved.orphans += sum((bucket, key) not in names for bucket in (MODELS, PACKAGES) for key in source.list(bucket))


def check_still_named(state: StateStore, error: NotFound | Corrupt, copied: StateStore) -> None:
    """Conflict where what is missing was deleted from `state` since its documents were copied, else nothing."""
    gone = {file.key for file in _named(copied)} - {file.key for file in _named(state)}
    if gone:
        raise Conflict(
            f"{len(gone)} models or packages were deleted while they were being copied", hint="try again"
        ) from error


def _named(state: StateStore) -> Iterator[Named]:
    for kind in (Model, Package):
        last = 0
        while page := state.find(kind, newest_first=False, limit=_PAGE, after=last):
            last = page[-1][0]
            for _, one in page:
                if isinstance(one, Model):
                    yield Named(MODELS, one.id, one.size, one.sha256)
                elif isinstance(one, Package):
                    yield Named(PACKAGES, one.id, one.size, one.id)


def _has(store: ArtifactStore, file: Named) -> bool:
    if store.size(file.bucket, file.key) != file.size:
        return False
    digest = hashlib.sha256()
    with store.open(file.bucket, file.key) as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest() == file.sha256


def _copy(file: Named, source: ArtifactStore, target: ArtifactStore) -> None:
    hint = "restore it from a backup; if it is lost, `POST /delete_model_trail` forgets all models"
    try:
        stream = source.open(file.bucket, file.key)
    except NotFound:
        raise NotFound(f"the file of {file.what} is missing in {file.bucket}", hint=hint) from None
    with contextlib.closing(stream):
        try:
            target.put(file.bucket, file.key, stream, sha256=file.sha256)
        except Corrupt as error:
            raise Corrupt(f"the file of {file.what} is damaged: {error.message}", hint=hint) from error
