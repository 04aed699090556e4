"""Partials that are exact, and so don't depend on order, split or grouping by a single bit.

Every finite float64 is an integer times a power of two. The sums of a block of numbers are kept as integers at a few
levels (`levels.py`). Adding integers is associative and commutative, and nothing is ever rounded off, so that the laws
of a partial hold by themselves. Rounding happens once, in `mean`, and sees only the value of a sum, not the way it came
about.

The way into integers is that of the order-independent sums of Ahrens, Demmel and Nguyen (Algorithms for Efficient
Reproducible Floating Point Summation, ACM TOMS 46(3), 2020): adding 1.5 · 2**(52 + e) to a float64 below 2**(51 + e)
rounds it to a multiple of 2**e, and leaves that multiple in the low bits of the result. Where they keep a fixed number
of bins and drop what lies below, a level is added here when a value needs one. Most updates need one or two: 51 bits
hold the product of a float32 and its weight, and a spread of 2**15 to 2**20 between the largest and the smallest value
of a block.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from fedn.core import dtypes
from fedn.core.blocks import Block, Floats
from fedn.core.dtypes import Array, DType
from fedn.core.finite import not_within
from fedn.core.layout import Layout, Weights
from fedn.core.levels import CAPACITY, LOWEST, WINDOW, WORD, Integers, Level, words
from fedn.core.partial import Checked, Partial, Range

_USEFUL = 24  # a level that is there already is used for a part of the bits only where it takes at least so many


class ExactPartial(Partial):
    """Exact sums of the weighted values, where a value times its weight is rounded to float64.

    For float32 values and integer weights below 2**29 that product is exact, too. `mean` is the same to the last bit
    for the same updates, whatever their order and grouping. Before it is rounded to the layout's dtype it differs from
    the exact mean of the products by at most 2**-51 of its magnitude. There is no limit to the number of updates.

    Memory is 8 bytes a number for each level in use: one to three for what training yields. Hostile values can't bring
    it above a level for every 14 bits between the smallest and the largest exponent of the updates' types, which makes
    24 for float32.
    """

    KIND = "exact"
    BLOCK = 1 << 15

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self._levels: list[list[Level]] = [[] for _ in self._blocks]
        self._rounded = np.empty_like(self._values)

    def _ranges(self, arrays: Sequence[Array], weight: float) -> tuple[Range | None, ...]:
        scratch = np.empty_like(self._values)
        return tuple(self._range(block, arrays, weight, scratch) for block in self._blocks)

    def _range(self, block: Block, arrays: Sequence[Array], weight: float, scratch: Floats) -> Range | None:
        tops, bottoms = [], []
        for piece in block.pieces:
            values = arrays[piece.array][piece.source]
            smallest, largest = _magnitudes(values, scratch)
            dtype = self.layout.dtypes[piece.array]
            if dtypes.is_float(dtype) and not largest <= dtypes.bound(dtype):
                raise not_within(self.layout.names[piece.array], largest, dtype)
            if largest:
                tops.append(math.frexp(largest * weight)[1])
                bottoms.append(max(_lowest_bit(smallest, weight, values.dtype), LOWEST))
        return Range(max(tops), min(bottoms)) if tops else None

    def _add_block(self, index: int, block: Block, updates: Sequence[Checked]) -> None:
        for update in updates:
            span = update.ranges[index]
            if span:
                self._add(self._levels[index], self._weighted(block, update), top=span.top, bottom=span.bottom)

    def _merge(self, other: ExactPartial) -> None:
        for levels, others in zip(self._levels, other._levels, strict=True):
            if not levels:
                levels.extend(level.copy() for level in others)
                continue
            for level in others:
                twin = next((own for own in levels if own.exponent == level.exponent), None)
                if twin and twin.has_room(level.bound):
                    twin.merge(level)
                else:
                    upper, lower = level.split()
                    self._add_words(levels, upper, level.exponent + WORD)
                    self._add_words(levels, lower, level.exponent)

    def _add(self, levels: list[Level], values: Floats, *, top: int, bottom: int) -> None:
        """Add `values`, multiples of 2**bottom below 2**top in magnitude. They are spoilt."""
        rounded = self._rounded[: values.size]
        while True:
            level = self._level(levels, values.size, top=top, bottom=bottom)
            np.add(values, level.magic, out=rounded)
            level.add(rounded, bound=_bound(level, top))
            if level.exponent <= bottom:
                return
            np.subtract(rounded, level.magic, out=rounded)
            np.subtract(values, rounded, out=values)
            if not values.any():
                return
            top = level.exponent

    def _add_words(self, levels: list[Level], integers: Integers, exponent: int) -> None:
        if integers.any():
            values = np.multiply(integers, math.ldexp(1, exponent), dtype=np.float64)
            self._add(levels, values, top=exponent + WORD, bottom=exponent)

    def _level(self, levels: list[Level], size: int, *, top: int, bottom: int) -> Level:
        """A level with room for values below 2**top: one that takes in all their bits, or else many of them."""
        reach = [level for level in levels if level.exponent >= top - WINDOW]
        whole = [level for level in reach if level.exponent <= bottom]
        most = [level for level in reach if level.exponent <= top - _USEFUL]
        if whole or most:
            level = max(whole, key=_exponent) if whole else min(most, key=_exponent)
        else:
            # Well above the one below it, so that there are never many, whatever the values.
            below = max((level.exponent for level in levels if level not in reach), default=LOWEST - _USEFUL)
            level = Level(max(top - WINDOW, below + _USEFUL), np.zeros(size, np.int64))
            levels.append(level)
        if not level.has_room(_bound(level, top)):
            upper, lower = level.split()
            level.replace(lower)
            self._add_words(levels, upper, level.exponent + WORD)
        return level

    def _sums_of(self, index: int, block: Block) -> Floats:
        sums = np.zeros(block.size)
        if not self._levels[index]:
            return sums
        summands, lowest = words(self._levels[index])
        for place, word in enumerate(summands, lowest):
            # From low to high, so that what is rounded off is small against what comes; in two steps, since
            # 2**(32·place) itself may be outside of float64.
            half = place * WORD // 2
            sums += word * math.ldexp(1, half) * math.ldexp(1, place * WORD - half)
        return sums

    def _arrays(self) -> Weights:
        held = ((index, level) for index, levels in enumerate(self._levels) for level in levels)
        return {f"{index}/{level.exponent}": level.integers for index, level in held}

    def _load(self, arrays: Weights) -> None:
        for name, integers in arrays.items():
            index, exponent = map(int, name.split("/"))
            size = self._blocks[index].size if 0 <= index < len(self._blocks) else 0
            if integers.dtype != np.int64 or integers.shape != (size,) or not LOWEST <= exponent <= 1023 - 2 * WINDOW:
                raise ValueError(f"its level {name} doesn't fit its layout")
            bound = max(int(integers.max()), -int(integers.min()))
            if bound >= CAPACITY:
                raise ValueError(f"its level {name} holds too large an integer")
            self._levels[index].append(Level(exponent, integers, bound=bound))


def _magnitudes(values: Array, scratch: Floats) -> tuple[float, float]:
    """The smallest magnitude of `values` that isn't zero, and the largest; NaN where one is."""
    if not dtypes.is_float(values.dtype):
        largest = max(int(values.max()), -int(values.min()))
        return min(largest, 1), largest
    # Without their sign, floats are ordered as the integers of the same bits are, NaN above all.
    unsigned = np.dtype(f"u{values.itemsize}")
    bits = scratch.view(unsigned)[: values.size]
    np.bitwise_and(values.view(unsigned), np.iinfo(unsigned).max >> 1, out=bits)
    highest, lowest = bits.max(), bits.min()
    if highest and not lowest:
        np.subtract(bits, 1, out=bits)  # makes zeros the highest of all
        lowest = bits.min() + unsigned.type(1)
    smallest, largest = dtypes.floats(np.array([lowest, highest]).view(values.dtype)).tolist()
    return smallest, largest


def _lowest_bit(smallest: float, weight: float, dtype: DType) -> int:
    """Exponent of the lowest bit that may be set in `weight` times any value of `dtype` from `smallest` on."""
    bits = dtypes.significant_bits(dtype) + _bits_of(weight)
    if bits <= 53:  # exact: the lowest bit is the product of the lowest bits
        return math.frexp(smallest)[1] + math.frexp(weight)[1] - bits
    return math.frexp(smallest * weight or math.ulp(0))[1] - 53


def _bound(level: Level, top: int) -> int:
    return 1 << max(top - level.exponent, 0)


def _exponent(level: Level) -> int:
    return level.exponent


@lru_cache
def _bits_of(weight: float) -> int:
    """Bits of a weight from the first to the last that is set."""
    numerator = weight.as_integer_ratio()[0]
    return (numerator // (numerator & -numerator)).bit_length()
