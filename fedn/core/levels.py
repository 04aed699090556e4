"""A vector of exact sums as 64-bit integers at a few levels, each of which counts multiples of a power of two.

What the levels hold together is the sum; how it is spread over them depends on its history. `words` gives the one form
that doesn't.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from fedn.core.blocks import Floats

Integers = np.ndarray[Any, np.dtype[np.int64]]

WINDOW = 51
"""Bits of one float64 that a level takes in at once."""
WORD = 32
LOWEST = -1074
"""Exponent of the lowest level: no float64 has a bit below it."""
CAPACITY = 1 << 62
"""Bound of a level's integers; leaves room to round while they are split into words."""

_HALF = 1 << (WORD - 1)
_LOW = (1 << WORD) - 1


class Level:
    """Integers that count multiples of 2**exponent."""

    def __init__(self, exponent: int, integers: Integers, *, bound: int = 0) -> None:
        self.exponent = exponent
        self.bound = bound
        """No integer is larger in magnitude; below `CAPACITY`."""
        self.magic = math.ldexp(1.5, 52 + exponent)
        """Added to a float64 below 2**(exponent + WINDOW), it rounds it to an integer in the low bits of the result."""
        self._magic_bits = int(np.float64(self.magic).view(np.int64))
        self._excess = 0
        self._integers = integers

    @property
    def integers(self) -> Integers:
        """The integers; not to be written to."""
        if self._excess:
            np.subtract(self._integers, np.uint64(self._excess % 2**64).astype(np.int64), out=self._integers)
            self._excess = 0
        return self._integers

    def has_room(self, bound: int) -> bool:
        """Whether integers of a magnitude up to `bound` can be added."""
        return self.bound + bound < CAPACITY

    def add(self, rounded: Floats, *, bound: int) -> None:
        """Add what the magic constant left in the low bits of floats: integers of a magnitude up to `bound`."""
        self._add(rounded.view(np.int64), bound)
        self._excess += self._magic_bits  # its own bits come off modulo 2**64, once for many additions

    def merge(self, other: Level) -> None:
        """Add the integers of another level of this exponent."""
        self._add(other.integers, other.bound)

    def copy(self) -> Level:
        return Level(self.exponent, self.integers.copy(), bound=self.bound)

    def split(self) -> tuple[Integers, Integers]:
        """Upper and lower words, upper · 2**32 + lower, each within [-2**31, 2**31]."""
        upper = (self.integers + _HALF) >> WORD
        return upper, self.integers - (upper << WORD)

    def replace(self, words: Integers) -> None:
        """Hold words, as `split` makes them, in place of what there was."""
        self._integers, self._excess, self.bound = words, 0, _HALF

    def _add(self, integers: Integers, bound: int) -> None:
        if not self._integers.flags.writeable:  # a view of a file
            self._integers = self._integers.copy()
        np.add(self._integers, integers, out=self._integers)
        self.bound += bound


def words(levels: Sequence[Level]) -> tuple[list[Integers], int]:
    """The sum of `levels` as words from low to high, and the place of the first. Equal sums have equal words.

    A word at place k counts multiples of 2**(32·k) and lies in [-2**31, 2**31): a number has one such form only.
    """
    exponents = [level.exponent // WORD for level in levels]
    lowest, highest = min(exponents), max(exponents) + 3
    result = [np.zeros(levels[0].integers.size, np.int64) for _ in range(lowest, highest + 1)]
    for level in levels:
        place, shift = divmod(level.exponent - lowest * WORD, WORD)
        lower, upper = (level.integers & _LOW) << shift, (level.integers >> WORD) << shift
        result[place] += lower & _LOW
        result[place + 1] += (lower >> WORD) + (upper & _LOW)
        result[place + 2] += upper >> WORD
    for word, above in pairwise(result):
        carry = (word + _HALF) >> WORD
        np.subtract(word, carry << WORD, out=word)
        np.add(above, carry, out=above)
    return result, lowest
