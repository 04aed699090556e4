"""Tokens: what an actor shows to say who it is. Pure: keys, time and revocations come in as arguments.

A token is a JWT (RFC 7519) signed with Ed25519 (RFC 8037). The reducer alone can make one; whoever has the public key
can check it. Its claims are `iss` (the network), `jti` (its own id), `sub`, `role`, `iat`, `exp`, `pjti` (id of the
token it was derived from), `aud` (the one service it is for) and `ca` (fingerprint of the network's CA).
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from fedn.errors import Unauthenticated
from fedn.security import keys

if TYPE_CHECKING:
    from jwt.types import Options

_ALGORITHM = "EdDSA"
_SIGNATURE_ONLY: Options = {"verify_exp": False, "verify_iat": False, "verify_aud": False}  # `verify` does those
_REMEMBERED = 8192  # tokens whose signature needn't be checked again


class Role(str, Enum):
    """What an actor is in the network, and thereby what it may do (`fedn.security.policy`)."""

    CLIENT = "client"
    COMBINER = "combiner"
    OPERATOR = "operator"
    VIEWER = "viewer"
    REDUCER = "reducer"


@dataclass(frozen=True)
class Claims:
    """What a token says. Instants are whole seconds since the epoch."""

    token_id: str
    role: Role
    subject: str
    """Name of the actor; empty leaves it to the actor."""
    network: str
    issued_at: int
    expires_at: int
    parent: str = ""
    """Id of the token that this one was derived from."""
    audience: str = ""
    """The one service that it is for, a combiner's name; empty for the reducer."""

    @property
    def origin(self) -> str:
        """Id of the token that somebody was given: of the one that this was derived from, or its own."""
        return self.parent or self.token_id


def new_signing_key() -> bytes:
    """A new Ed25519 private key, as PEM (PKCS #8)."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_key(signing_key: bytes) -> bytes:
    """The public half of a signing key, as PEM. ConfigError if it isn't one."""
    return keys.private_key(signing_key).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class TokenIssuer:
    """Makes the tokens of a network. ConfigError if `signing_key` isn't the PEM of an Ed25519 private key.

    Args:
        ca_fingerprint: Stands in every token, for `fingerprint_of`.
    """

    def __init__(self, signing_key: bytes, network: str, *, ca_fingerprint: str = "") -> None:
        self._key = keys.private_key(signing_key)
        self._network = network
        self._ca_fingerprint = ca_fingerprint

    def issue(
        self,
        role: Role,
        *,
        token_id: str,
        now: float,
        lifetime: float,
        subject: str = "",
        parent: str = "",
        audience: str = "",
    ) -> str:
        """A token that is good from `now` for `lifetime` seconds."""
        claims = {
            "iss": self._network,
            "jti": token_id,
            "sub": subject,
            "role": role.value,
            "iat": int(now),
            "exp": int(now + lifetime),
            "pjti": parent,
            "aud": audience,
            "ca": self._ca_fingerprint,
        }
        return jwt.encode(claims, self._key, _ALGORITHM)


class TokenVerifier:
    """Checks the tokens of a network. ConfigError if `public_key` isn't the PEM of an Ed25519 public key.

    A token that was seen before costs a look-up, not a signature check. Safe to use from several threads.
    """

    def __init__(self, public_key: bytes, network: str) -> None:
        self._key = keys.public_key(public_key)
        self._network = network
        self._signed = lru_cache(_REMEMBERED)(self._decode)

    def verify(
        self, token: str, *, now: float, revoked: Container[str] = frozenset(), audience: str | None = None
    ) -> Claims:
        """What `token` says, once it is known to be good at `now`.

        Args:
            revoked: Ids of tokens that are no longer good, nor is what was derived from them.
            audience: The service that asks; None for the reducer. A token for another service is refused.

        Raises:
            Unauthenticated: It is malformed, of another network, for another service, expired or revoked.
        """
        claims = self._signed(token)
        if claims.audience != (audience or ""):
            due, here = claims.audience or "the reducer", audience or "the reducer"
            raise Unauthenticated(f"the token is for {due}, not for {here}")
        if now >= claims.expires_at:
            moment = datetime.fromtimestamp(claims.expires_at, timezone.utc)
            raise Unauthenticated(f"the token expired on {moment:%Y-%m-%d at %H:%M:%S} UTC", hint="get a new one")
        if claims.token_id in revoked or (claims.parent and claims.parent in revoked):
            raise Unauthenticated("the token was revoked", hint="get a new one")
        return claims

    def _decode(self, token: str) -> Claims:
        try:
            found = jwt.decode(token, self._key, algorithms=[_ALGORITHM], options=_SIGNATURE_ONLY)
        except jwt.InvalidSignatureError:
            raise self._foreign() from None
        except (jwt.InvalidTokenError, UnicodeError, RecursionError):
            raise Unauthenticated("the token is malformed", hint="copy it whole") from None
        if found.get("iss") != self._network:
            raise self._foreign()
        return _claims(found)

    def _foreign(self) -> Unauthenticated:
        return Unauthenticated(f"the token was not issued by the network {self._network}", hint="get one from it")


def fingerprint_of(token: str) -> str:
    """The fingerprint of its network's CA that a token names; empty if it names none.

    For its bearer, who got it from somebody to trust and can't check the signature. To anybody else it proves nothing.

    Raises:
        Unauthenticated: The token is malformed.
    """
    return str(_unchecked(token).get("ca", ""))


def read(token: str) -> Claims:
    """What a token says, for its bearer; as unchecked as `fingerprint_of`.

    Raises:
        Unauthenticated: The token is malformed.
    """
    return _claims(_unchecked(token))


def _unchecked(token: str) -> dict[str, Any]:
    try:
        return jwt.decode(token, options={"verify_signature": False})
    except (jwt.InvalidTokenError, UnicodeError, RecursionError):
        raise Unauthenticated("the token is malformed", hint="copy it whole") from None


def _claims(found: Mapping[str, Any]) -> Claims:
    try:
        return Claims(
            token_id=found["jti"],
            role=Role(found["role"]),
            subject=found["sub"],
            network=found["iss"],
            issued_at=found["iat"],
            expires_at=found["exp"],
            parent=found["pjti"],
            audience=found["aud"],
        )
    except (KeyError, ValueError):
        raise Unauthenticated("the token lacks claims of this network's tokens", hint="get a new one") from None
