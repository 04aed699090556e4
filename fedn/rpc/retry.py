"""How long to wait before trying again: exponential back-off with full jitter, in one place.

Full jitter (a uniform draw between zero and the bound) spreads the load of many clients that lost the same server best;
see M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

from __future__ import annotations

import random
from collections.abc import Iterator


def backoff(*, first: float = 0.25, longest: float = 15.0, draw: random.Random | None = None) -> Iterator[float]:
    """Delays in seconds without an end: uniform in [0, bound], the bound doubling from `first` to `longest`."""
    draw = draw or random.SystemRandom()
    bound = first
    while True:
        yield draw.uniform(0, bound)
        bound = min(2 * bound, longest)
