"""A model's numbers laid end to end in the order of its layout, cut into blocks.

Blocks are of one length whatever the arrays are: a large array spans many, and many small ones share one, so that what
is done block by block costs the same for either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from fedn.core.layout import Layout

Floats = np.ndarray[Any, np.dtype[np.float64]]


class Piece(NamedTuple):
    """A stretch of one array and its place in a block."""

    array: int
    source: slice
    target: slice


@dataclass(frozen=True)
class Block:
    """A stretch of the model's numbers, laid end to end in the order of the layout."""

    span: slice
    pieces: tuple[Piece, ...]

    @property
    def size(self) -> int:
        return int(self.span.stop - self.span.start)


def blocks(layout: Layout, length: int) -> Iterator[Block]:
    """Cut a model into blocks of `length` numbers, whatever its arrays; the last one may be shorter."""
    start, pieces, filled = 0, list[Piece](), 0
    for array, size in enumerate(layout.sizes):
        done = 0
        while done < size:
            take = min(size - done, length - filled)
            pieces.append(Piece(array, slice(done, done + take), slice(filled, filled + take)))
            done, filled = done + take, filled + take
            if filled == length:
                yield Block(slice(start, start + filled), tuple(pieces))
                start, pieces, filled = start + filled, [], 0
    if filled:
        yield Block(slice(start, start + filled), tuple(pieces))
