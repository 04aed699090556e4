"""Partials as plain float64 sums: the fast kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fedn.core.blocks import Block, Floats
from fedn.core.dtypes import Array
from fedn.core.finite import check_values
from fedn.core.layout import Layout, Weights
from fedn.core.partial import Checked, Partial, Range


class SumPartial(Partial):
    """Sums in float64, a number each.

    The laws of a partial hold up to rounding. For n updates folded in, in any order and along any tree of merges, a sum
    differs from the exact one by at most n·u / (1 - n·u) · Σ|w·x| with u = 2**-53: for n - 1 additions (Higham,
    Accuracy and Stability of Numerical Algorithms, section 4.2, any order) and for the product w·x, which is exact for
    float32 values and integer weights below 2**29. A float32 mean of values of one sign is therefore that of the exact
    sum or, in the rare case that this lies within about n·u of the middle between two float32 numbers, its neighbour.
    """

    KIND = "sum"
    BLOCK = 1 << 18

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self._sums: Floats = np.zeros(layout.size)

    def _ranges(self, arrays: Sequence[Array], weight: float) -> tuple[Range | None, ...]:
        for name, values, dtype in zip(self.layout.names, arrays, self.layout.dtypes, strict=True):
            check_values(name, values, dtype)
        return ()

    def _add_block(self, index: int, block: Block, updates: Sequence[Checked]) -> None:
        sums = self._own()[block.span]
        for update in updates:
            np.add(sums, self._weighted(block, update), out=sums)

    def _merge(self, other: SumPartial) -> None:
        sums = self._own()
        np.add(sums, other._sums, out=sums)

    def _sums_of(self, index: int, block: Block) -> Floats:
        return self._sums[block.span]

    def _arrays(self) -> Weights:
        return {"sums": self._sums}

    def _load(self, arrays: Weights) -> None:
        sums = arrays["sums"]
        if sums.dtype != np.float64 or sums.shape != (self.layout.size,) or not np.isfinite(sums).all():
            raise ValueError("its sums don't fit its layout")
        self._sums = sums

    def _own(self) -> Floats:
        """The sums, copied first where they are a view of a file."""
        if not self._sums.flags.writeable:
            self._sums = self._sums.copy()
        return self._sums
