"""Ed25519 keys, read from PEM. What isn't one is a fault of the place that it was kept in."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from fedn.errors import ConfigError


def private_key(pem: bytes) -> Ed25519PrivateKey:
    """The key that tokens are signed with. ConfigError if `pem` is something else."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise ConfigError("the signing key is not a private key in PEM") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError("the signing key is not an Ed25519 key")
    return key


def public_key(pem: bytes) -> Ed25519PublicKey:
    """The key that tokens are checked with. ConfigError if `pem` is something else."""
    try:
        key = load_pem_public_key(pem)
    except ValueError as error:
        raise ConfigError("the key that tokens are checked with is not a public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError("the key that tokens are checked with is not an Ed25519 key")
    return key
