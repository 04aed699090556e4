"""Whether a token is near its end. Pure: the time comes in as an argument."""

from __future__ import annotations

from fedn.security.tokens import Claims

SHARE_LEFT = 0.1
SECONDS_LEFT = 7 * 86_400.0


def ends_soon(claims: Claims, *, now: float) -> bool:
    """Whether it has less than a tenth of its life left, or less than a week."""
    return near_end(claims.issued_at, claims.expires_at, now=now)


def near_end(start: float, end: float, *, now: float) -> bool:
    """The same of what is good from `start` to `end`, in seconds since the epoch."""
    return end - now < max(SHARE_LEFT * (end - start), SECONDS_LEFT)
