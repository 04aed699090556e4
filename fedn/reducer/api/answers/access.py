"""Of certificates, tokens, and who comes with them."""

from __future__ import annotations

from fedn.reducer.api.answers.base import Answer, listing, of
from fedn.stores import documents


class CertificateAnswer(Answer):
    certificate: str
    """The certificate, the CA's behind it, in PEM."""
    token_key: str
    """Public key (PEM) that the network's tokens are verified with."""
    network_id: str


class AssignedPackage(Answer):
    id: str
    """SHA-256 of the archive."""
    name: str
    size: int
    md5: str


class AssignmentAnswer(Answer):
    combiner: str
    host: str
    port: int
    token: str
    """For this combiner alone."""
    package: AssignedPackage | None
    """The network's compute package, where one is set."""


class Login(Answer):
    role: str
    seconds: float
    """How long it is good for."""


class TokenAnswer(Answer):
    id: str
    role: str
    token: str
    """Shown this once."""
    join: str
    """Join string: all that a newcomer needs."""
    settings: str
    """For a client, the same as a settings file in YAML; for others empty."""
    expires_at: float
    warning: str
    """What is to be known of the join string; empty where nothing is."""


Token = of(documents.Token)
TokenList = listing(Token)
