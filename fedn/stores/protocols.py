"""What the reducer asks of its two stores. `test/contract/` holds every implementation to it.

A **state store** keeps the documents of `documents.py`. Every change takes the next number of one counter that spans
the whole store and never goes back: a document's `seq` is the number of its insertion, its revision that of its last
change. So `seq` orders documents by age and is a stable place to page on from, and a revision never comes twice, not
even when a document is deleted and made anew. Changes become visible in the order of their numbers.

An **artifact store** keeps files: models and compute packages. It gives the digest of what it stored to the caller, who
keeps it in the document that names the file. There it stands once, and no crash can part it from the file.

Both are safe to use from many threads. A store that can't be reached or written raises `Unavailable`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import BinaryIO, Protocol

from fedn.core.model import Presigned
from fedn.errors import InvalidInput
from fedn.stores.document import Document, T

Where = Mapping[str, str | int | float | bool | None]
"""Fields of a document and the value that each must have, of the field's own type."""


MADE_LATER = "a reducer makes it at its first start"
"""The hint of `NotFound` for a store that was to be opened where it is, and isn't."""


@dataclass(frozen=True)
class Insert:
    """Adds a document; `Conflict` when its id is taken."""

    document: Document


@dataclass(frozen=True)
class Put:
    """Replaces a document.

    With a revision only if that is still the document's own, else `StaleRevision`; without one whatever is there, even
    nothing.
    """

    document: Document
    revision: int | None = None


@dataclass(frozen=True)
class Delete:
    """Removes a document, if there is one."""

    kind: type[Document]
    id: str


Change = Insert | Put | Delete


@dataclass(frozen=True)
class Record:
    """A document with its numbers: what `dump` gives and `load` takes."""

    seq: int
    revision: int
    document: Document


class StateStore(Protocol):
    """Documents. Their ids are any text without a NUL; NaN and infinity in them survive."""

    def get(self, kind: type[T], id: str) -> T | None:  # noqa: A002
        """The document, or None."""

    def get_record(self, kind: type[T], id: str) -> tuple[T, int] | None:  # noqa: A002
        """The document and its revision, to hand to `Put`."""

    def find(
        self,
        kind: type[T],
        *,
        where: Where | None = None,
        newest_first: bool = True,
        limit: int | None = None,
        before: int | None = None,
        after: int | None = None,
    ) -> list[tuple[int, T]]:
        """Each matching document with its `seq`, in the order of `seq`.

        `before` and `after` leave out that `seq` and what lies beyond it. `InvalidInput` when `where` names no field of
        the kind.
        """

    def count(self, kind: type[Document], *, where: Where | None = None) -> int:
        """How many documents match."""

    def write(self, *changes: Change) -> None:
        """Makes all the changes, in order, or none. When it returns, they outlast a loss of power."""

    def clear(self, kinds: Iterable[type[Document]]) -> None:
        """Removes every document of these kinds, all or none."""

    def dump(self) -> Iterator[Record]:
        """Every document as of one moment, in the order of `seq`, while others may write."""

    def load(self, records: Iterable[Record]) -> None:
        """Fills a store that has no documents, numbers and all; later changes are numbered above them.

        `Conflict` when it has documents. Where it is cut short, by an error or the end of the process, the store is
        empty, or takes nothing but another `load` before all else (`ConfigError`).
        """

    def lead(self, holder: str, *, on_lost: Callable[[], None]) -> None:
        """Makes this store the only one that writes, until it is closed or its process ends in whatever way.

        `Conflict`, with the name of the `holder`, while another leads. One that can't reach the database for long may
        be followed by another: then it has written its last (`Conflict`), and `on_lost` is called, once, from a thread
        of the store's own.
        """

    def leader(self) -> str:
        """Who leads this store now, by the name that it gave as `holder`; empty when nobody does."""

    def check(self) -> str:
        """Writes, reads and removes something of its own. What the store is, for people: kind, place, version.

        Raises what is in the way: `Unavailable`, `Forbidden` for a missing right, `ConfigError`.
        """

    def close(self) -> None: ...


@dataclass(frozen=True)
class Stored:
    """What `put` stored: bytes and their SHA-256 in hex."""

    size: int
    sha256: str


class ArtifactStore(Protocol):
    """Files by bucket and key, both of letters, digits, `.`, `_` and `-`; else `InvalidInput`."""

    def put(self, bucket: str, key: str, source: Path | bytes | BinaryIO, *, sha256: str | None = None) -> Stored:
        """Stores the whole source, replacing what was there; when it returns, it outlasts a loss of power.

        Readers see the old content or the new, never a part. When the source fails, or differs from `sha256`
        (`Corrupt`), nothing changes.
        """

    def open(self, bucket: str, key: str) -> BinaryIO:
        """The content as a stream, for the caller to close; `NotFound`."""

    def path(self, bucket: str, key: str) -> Path | None:
        """The file itself, to be read only; None when the store has no local files; `NotFound`."""

    def read(self, bucket: str, key: str, *, offset: int = 0, length: int | None = None) -> bytes:
        """Up to `length` bytes from `offset`, fewer only at the end; `NotFound`."""

    def size(self, bucket: str, key: str) -> int | None:
        """Bytes of the file, or None."""

    def list(self, bucket: str) -> list[str]:
        """The keys, sorted."""

    def delete(self, bucket: str, key: str) -> None:
        """Removes the file, if there is one."""

    def presign(self, bucket: str, key: str, *, seconds: float) -> Presigned | None:
        """A URL that serves the file to anyone for that long; None when the store can't, or isn't to."""

    def check(self) -> str:
        """Writes, reads and removes something of its own. What the store is, for people: kind, place, version.

        Raises what is in the way: `Unavailable`, `Forbidden` for a missing right, `ConfigError`.
        """

    def close(self) -> None: ...


def check_text(text: str, *, what: str) -> None:
    """`InvalidInput` for text that not every store can keep and compare: with a NUL, or with no UTF-8 form."""
    if "\0" in text or (not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text)):
        raise InvalidInput(f"{what} {text!r} has characters that can't be stored")


def check_where(kind: type[Document], where: Where) -> None:
    """`InvalidInput` for a field that the kind doesn't have, or a value that nothing can equal."""
    known = [f.name for f in fields(kind)]
    for name, value in where.items():
        if name not in known:
            raise InvalidInput(f"{kind.KIND} has no field {name!r}", hint=f"it has {', '.join(known)}")
        if isinstance(value, str):
            check_text(value, what=name)
        elif value is not None and not -(2**63) <= value < 2**63:
            raise InvalidInput(f"can't look for {name} {value}")


def check_key(bucket: str, key: str) -> None:
    """`InvalidInput` for a bucket or key that isn't a plain name."""
    for what, name in (("bucket", bucket), ("key", key)):
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}", name):
            raise InvalidInput(
                f"{what} {name!r} is no plain name", hint="up to 200 letters, digits, '.', '_' and '-', no dot first"
            )
