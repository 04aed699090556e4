"""How long a certificate is good for, and when it is time for the next. Instants are seconds since the epoch."""

from __future__ import annotations

from dataclasses import dataclass

from fedn.security.tls import expiry

LOOK_SECONDS = 3600.0
"""Longest wait between two looks at the clock: it may have been set, or the machine has slept."""

_URGENT_SECONDS = 60.0


@dataclass(frozen=True)
class Validity:
    """From when until when a certificate serves. It begins when we got it, whatever the certificate says of that."""

    start: float
    end: float

    @classmethod
    def of(cls, certificate_pem: bytes, *, now: float) -> Validity:
        """Of a certificate that we got now. InvalidInput if it is none."""
        return cls(now, expiry(certificate_pem))

    @property
    def due(self) -> float:
        """When to renew: after two thirds."""
        return self.start + (self.end - self.start) * 2 / 3

    def over(self, now: float) -> bool:
        return now >= self.end

    def wait(self, now: float) -> float:
        """Seconds to wait before looking again; 0 where it is due. So it is, too, when the clock was put back: the
        certificate may not have begun for who has the right time."""
        if not self.start <= now < self.due:
            return 0.0
        return min(self.due - now, LOOK_SECONDS)

    def rest(self, now: float) -> float:
        """Longest rest in seconds between two attempts to renew, so that there are several before the end."""
        return min(max((self.end - now) / 10, _URGENT_SECONDS), LOOK_SECONDS)
