"""What sums of updates have in common, however they are kept.

A partial is what a part of the updates adds up to: the weighted sum of their values, the sum of their weights, their
count. Partials of one layout and kind form a commutative monoid. With `+` for `merge`, 0 for a new partial and [u] for
a partial into which only `u` was folded:

    p + 0 = p        p + q = q + p        (p + q) + r = p + (q + r)        fold(p, u) = p + [u]

So updates can be folded in anywhere and in any order, and their partials merged along any tree: the result is that of
folding all of them into one. The mean is no partial (means don't add up); it is taken once, at the very top.
`ExactPartial` keeps the laws to the last bit, `SumPartial` up to the rounding that it states.
"""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from fedn.core import bfloat16, dtypes
from fedn.core import weights as files
from fedn.core.blocks import Block, Floats, blocks
from fedn.core.dtypes import Array
from fedn.core.layout import Layout, Weights
from fedn.errors import InvalidInput, InvalidUpdate, NotReady

HEAVIEST = 2.0**53
"""Largest weight of one update; integers up to it are exact in float64."""
HEADER = "partial"
"""Name of the JSON header among the arrays of a partial's file."""


class Range(NamedTuple):
    """Exponents that bound values: all are multiples of 2**bottom, and smaller than 2**top in magnitude."""

    top: int
    bottom: int


@dataclass(frozen=True, eq=False)
class Checked:
    """An update that was found to fit a partial."""

    arrays: tuple[Array, ...]
    """Flat, in the order of the layout."""
    weight: float
    ranges: tuple[Range | None, ...] = ()
    """For exact partials: that of the weighted values in each block; none where all are zero."""


class Partial(ABC):
    """Sum of weighted updates of one layout. Not thread-safe, but for `check`; numpy's work releases the GIL."""

    KIND: ClassVar[str]
    BLOCK: ClassVar[int]
    """Numbers handled in one go: their sums and the scratch space stay in a processor's cache."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.count = 0
        """How many updates were folded in, here and in the partials merged."""
        self.total = Fraction(0)
        """Sum of their weights, exactly."""
        self._blocks = tuple(blocks(layout, self.BLOCK))
        self._values = np.empty(min(self.BLOCK, layout.size))

    @property
    def weight(self) -> float:
        """Sum of the weights folded in."""
        return float(self.total)

    def check(self, weights: Weights, weight: float) -> Checked:
        """Make sure that an update can be folded in, and make it ready for `add`. Any thread may call it at any time.

        Args:
            weights: Arrays of the layout's names, shapes and dtypes; floats may be of any precision.
            weight: Number of examples: positive, at most `HEAVIEST`.

        Raises:
            InvalidUpdate: The layout differs, a value is not finite or too large for the layout's dtype, or the weight
                is not positive.
        """
        weight = float(weight)
        if not 0 < weight <= HEAVIEST:
            raise InvalidUpdate(f"the weight is {weight:g}", hint="give the number of examples, at least 1")
        self.layout.check(weights)
        arrays = tuple(np.ravel(weights[name]) for name in self.layout.names)
        return Checked(arrays, weight, self._ranges(arrays, weight))

    def add(self, updates: Sequence[Checked]) -> None:
        """Fold in updates that `check` of a partial of this layout returned. Can't fail.

        Several at once are faster than one after the other: the sums, which are larger than an update, pass through the
        processor once. The result is the same.
        """
        for index, block in enumerate(self._blocks):
            self._add_block(index, block, updates)
        for update in updates:
            self.count += 1
            self.total += Fraction(update.weight)

    def fold(self, weights: Weights, weight: float) -> None:
        """Check one update and fold it in; raises as `check` does, and then nothing has changed."""
        self.add([self.check(weights, weight)])

    def merge(self, other: Partial) -> None:
        """Add what `other` holds; `other` stays as it is.

        Raises:
            InvalidInput: `other` is of another kind or layout, or is this very partial.
        """
        if other is self or other.KIND != self.KIND or other.layout != self.layout:
            raise InvalidInput("only two partials of one layout and kind can be merged")
        self._merge(other)
        self.count += other.count
        self.total += other.total

    def mean(self) -> dict[str, Array]:
        """The weighted mean in the layout's dtypes, rounded once from float64.

        Floats are rounded to nearest, and to even in the middle. So are integers and truth values, to the nearest whole
        number; products of an integer and a weight beyond 2**53 have been rounded to float64 on the way in.

        Raises:
            NotReady: nothing was folded in.
        """
        if not self.count:
            raise NotReady("there is no mean: no update was folded in")
        means = [np.empty(size, dtype) for size, dtype in zip(self.layout.sizes, self.layout.dtypes, strict=True)]
        weight = self.weight
        for index, block in enumerate(self._blocks):
            values = self._sums_of(index, block) / weight
            for piece in block.pieces:
                _round(values[piece.target], means[piece.array][piece.source])
        shaped = (flat.reshape(shape) for flat, shape in zip(means, self.layout.shapes, strict=True))
        return dict(zip(self.layout.names, shaped, strict=True))

    def to_bytes(self) -> bytes:
        """This partial as a file; `aggregation.from_bytes` reads it."""
        return files.to_bytes(self._contents())

    def to_file(self, path: Path) -> None:
        """Write this partial to a file; `aggregation.from_file` reads it."""
        files.write(self._contents(), path)

    @classmethod
    def rebuild(cls, header: Mapping[str, Any], arrays: Weights) -> Partial:
        """The partial of a file's header and arrays; raises one of the built-in errors where they are damaged."""
        partial = cls(Layout.from_json(header["layout"]))
        partial.count, partial.total = int(header["count"]), Fraction(header["weight"])
        if partial.count < 0 or partial.total < 0 or bool(partial.count) != bool(partial.total):
            raise ValueError(f"{partial.count} updates can't have a weight of {partial.total}")
        partial._load(arrays)
        return partial

    def _contents(self) -> Weights:
        header = {
            "kind": self.KIND,
            "layout": self.layout.to_json(),
            "count": self.count,
            "weight": str(self.total),
        }
        return {HEADER: np.frombuffer(json.dumps(header).encode(), np.uint8), **self._arrays()}

    def _weighted(self, block: Block, update: Checked) -> Floats:
        """The weighted values of `update` in `block`; valid until the next call."""
        values = self._values[: block.size]
        for piece in block.pieces:
            # Casting first and multiplying in place is faster than numpy's buffered multiplication of two types.
            np.copyto(values[piece.target], dtypes.floats(update.arrays[piece.array][piece.source]))
        if update.weight != 1:
            np.multiply(values, update.weight, out=values)
        return values

    @abstractmethod
    def _ranges(self, arrays: Sequence[Array], weight: float) -> tuple[Range | None, ...]:
        """`Checked.ranges`; raises InvalidUpdate where a value is not finite."""

    @abstractmethod
    def _add_block(self, index: int, block: Block, updates: Sequence[Checked]) -> None:
        """Add the weighted values of `updates` in one block."""

    @abstractmethod
    def _merge(self, other: Any) -> None:
        """Add the sums of `other`, which is of this kind."""

    @abstractmethod
    def _sums_of(self, index: int, block: Block) -> Floats:
        """The sums of one block in float64."""

    @abstractmethod
    def _arrays(self) -> Weights:
        """The sums as arrays to be written."""

    @abstractmethod
    def _load(self, arrays: Weights) -> None:
        """Take in what `_arrays` returned; raises ValueError where it is damaged."""


def _round(values: Floats, out: Array) -> None:
    if out.dtype.kind == "f":
        np.copyto(out, values, casting="same_kind")
        return
    if out.dtype == bfloat16.DTYPE:
        np.copyto(out, bfloat16.narrow(values))
        return
    np.rint(values, out=values)
    if out.dtype.itemsize == 8:
        # The largest 64-bit integer is no float64: the next one below is the largest that can be cast.
        top = math.nextafter(float(np.iinfo(out.dtype).max), 0)
        np.clip(values, np.iinfo(out.dtype).min, top, out=values)
    np.copyto(out, values, casting="unsafe")
