"""What servers show in handshakes, and when they say that it has been renewed."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cryptography import x509
from waiting import DEADLINE


def shown(port: int, ca_pem: bytes) -> int:
    """The serial number of the certificate that a new connection to localhost is shown, after every check."""
    context = ssl.create_default_context(cadata=ca_pem.decode())
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("localhost", port), timeout=DEADLINE) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as connection,
    ):
        certificate = connection.getpeercert(binary_form=True)
        assert certificate is not None
        return x509.load_der_x509_certificate(certificate).serial_number


class Lines(logging.Handler):
    """What loggers of FEDn say, for threads that wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._news = threading.Condition()

    def emit(self, record: logging.LogRecord) -> None:
        with self._news:
            self.said.append(f"{record.levelname} {record.getMessage()}")
            self._news.notify_all()

    def wait(self, holds: Callable[[], bool]) -> None:
        """Wait until this holds, looking again at every line."""
        with self._news:
            assert self._news.wait_for(holds, DEADLINE), self.said

    def count(self, *words: str) -> int:
        return sum(all(word in line for word in words) for line in list(self.said))

    def more(self, *words: str, times: int = 1) -> None:
        """Wait until so many more lines have these words."""
        least = self.count(*words) + times
        self.wait(lambda: self.count(*words) >= least)


@contextmanager
def listening() -> Iterator[Lines]:
    lines, logger = Lines(), logging.getLogger("fedn")
    level = logger.level
    logger.addHandler(lines)
    logger.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        logger.removeHandler(lines)
        logger.setLevel(level)
