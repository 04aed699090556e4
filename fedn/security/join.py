"""The join string: all that a new client or combiner needs, in one piece of text.

    fedn://HOST:PORT/CA/TOKEN

HOST is a host name, an IPv4 address or an IPv6 address in brackets; CA is the SHA-256 of the network's CA certificate
(DER) in hex. The newcomer fetches that certificate over a connection it doesn't trust yet, and trusts it if it has the
digest. Whoever reads the string can join: it is a secret.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from fedn.errors import InvalidInput

_ADDRESS = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]\s]+)):(\d{1,5})")
_FINGERPRINT = re.compile(r"[0-9A-Fa-f]{64}")
_TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


@dataclass(frozen=True)
class JoinString:
    """Where the reducer is, how to know it, and a token for it. `str()` gives the text."""

    host: str
    """Host name or IP address, without brackets."""
    port: int
    fingerprint: str
    """SHA-256 of the CA certificate's DER, in lower-case hex."""
    token: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> JoinString:
        """Read the text of a join string; space around it doesn't matter.

        Raises:
            InvalidInput: It isn't one, or was cut. The message doesn't repeat it.
        """
        scheme, _, rest = text.strip().partition("://")
        parts = rest.split("/")
        if scheme != "fedn" or len(parts) != 3:
            raise _invalid("does not have the form fedn://HOST:PORT/CA/TOKEN")
        address, fingerprint, token = parts
        found = _ADDRESS.fullmatch(address)
        if not found or not 0 < int(found[3]) <= 65535:
            raise _invalid(f"has the address {address!r}, which is not HOST:PORT")
        if not _FINGERPRINT.fullmatch(fingerprint):
            raise _invalid("has a CA fingerprint that is not 64 hexadecimal digits")
        if not _TOKEN.fullmatch(token):
            raise _invalid("ends in something that is not a token")
        return cls(found[1] or found[2], int(found[3]), fingerprint.lower(), token)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"fedn://{host}:{self.port}/{self.fingerprint}/{self.token}"


def _invalid(problem: str) -> InvalidInput:
    return InvalidInput(f"the join string {problem}", hint="copy it whole, as the reducer gave it")
