"""Server certificates are renewed in time, and until it succeeds."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone

from fedn.errors import FednError, Unavailable
from fedn.rpc.retry import backoff
from fedn.security.validity import LOOK_SECONDS, Validity

log = logging.getLogger(__name__)


class Renewal:
    """Renews a server's certificate whenever two thirds of its time are over, in a thread, from `start` to `close`.

    Args:
        certificate_pem: What the server shows now, fresh.
        renew: Has the server show a new one, and returns it. What it raises is logged, and it is tried again.
    """

    def __init__(self, certificate_pem: bytes, renew: Callable[[], bytes]) -> None:
        self._validity = Validity.of(certificate_pem, now=time.time())
        self._renew = renew
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="renewal", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self, *, seconds: float = 0.0) -> None:
        """Renew no more. Waits so long for a renewal that is going on."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _keep(self) -> None:
        while not self._closing.is_set():
            if seconds := self._validity.wait(time.time()):
                self._closing.wait(seconds)
            else:
                self._insist()

    def _insist(self) -> None:
        """Renew, as often as it takes."""
        for delay in backoff(first=1.0, longest=LOOK_SECONDS):
            try:
                self._take(self._renew())
                return
            except Exception as error:  # noqa: BLE001  a thread that ended here would be missed in two months
                if self._closing.is_set():
                    return
                rest = min(delay, self._validity.rest(time.time()))
                self._complain(error, rest)
            if self._closing.wait(rest):
                return

    def _take(self, certificate_pem: bytes) -> None:
        now = time.time()
        validity = Validity.of(certificate_pem, now=now)
        if validity.over(now):
            raise Unavailable(
                f"the new certificate ended on {_moment(validity.end)}, by this machine's clock", hint="set it (NTP)"
            )
        self._validity = validity
        log.info("the certificate was renewed and is good until %s", _moment(validity.end))

    def _complain(self, error: Exception, delay: float) -> None:
        over = self._validity.over(time.time())
        passing = isinstance(error, FednError) and error.retryable
        log.log(
            logging.WARNING if passing and not over else logging.ERROR,
            "renewing the certificate, which %s on %s: %s; trying again in %.1f s",
            "ended" if over else "ends",
            _moment(self._validity.end),
            error,
            delay,
            exc_info=None if isinstance(error, FednError) else error,
        )


def _moment(instant: float) -> str:
    return f"{datetime.fromtimestamp(instant, timezone.utc):%Y-%m-%d at %H:%M:%S} UTC"
