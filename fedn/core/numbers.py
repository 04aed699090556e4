"""Which values of a JSON object are metrics."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any


def is_number(value: object) -> bool:
    """Whether JSON had a number there; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def finite_numbers(content: Mapping[str, Any]) -> dict[str, float]:
    """The numbers at the top of `content` that are finite as floats: a mean with others would say nothing."""
    largest = sys.float_info.max  # a comparison takes JSON's whole numbers of any length; `math.isfinite` does not
    return {key: float(value) for key, value in content.items() if is_number(value) and abs(value) <= largest}
