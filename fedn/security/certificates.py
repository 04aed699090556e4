"""X.509 certificates (RFC 5280) of the network: the authority's own, and those of its servers. Keys are EC P-256."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fedn.errors import InvalidInput

Key = ec.EllipticCurvePrivateKey
PublicKey = CertificateIssuerPublicKeyTypes

_SLACK = timedelta(hours=1)  # for machines whose clock is behind
_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


def new_key() -> Key:
    """A new private key."""
    return ec.generate_private_key(ec.SECP256R1())


def key_to_pem(key: Key) -> bytes:
    """A private key as PEM (PKCS #8)."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def key_from_pem(pem: bytes) -> Key:
    """A private key from PEM. ValueError if it isn't one on an elliptic curve."""
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("not an elliptic curve key")
    return key


def subject(common_name: str) -> x509.Name:
    """A distinguished name of nothing but a common name, cut to 64 bytes (the limit of X.520)."""
    cut = common_name.encode()[:64].decode(errors="ignore")
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cut)])


def authority_certificate(key: Key, *, start: float, end: float) -> bytes:
    """The self-signed certificate of an authority, as PEM. It may sign servers, but no further authorities."""
    name = subject("FEDn CA")
    builder = (
        _builder(name, issuer=name, public_key=key.public_key(), start=start, end=end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def server_certificate(
    names: Sequence[str], *, public_key: PublicKey, authority: x509.Certificate, key: Key, start: float, end: float
) -> bytes:
    """A server's certificate, signed with the authority's `key`, as PEM.

    It ends with a whole second, at `end` or right after it; when the authority's does, if that is sooner.

    Args:
        names: Host names and IP addresses; each stands in it as what it is, so that it holds for who dials an address.

    Raises:
        InvalidInput: There are no names, or one is neither.
    """
    if not names:
        raise InvalidInput("a certificate needs at least one name")
    general_names = [_general_name(name) for name in names]
    end = min(math.ceil(end), authority.not_valid_after_utc.timestamp())
    issuer_id = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        _builder(subject(names[0]), issuer=authority.subject, public_key=public_key, start=start, end=end)
        .add_extension(x509.SubjectAlternativeName(general_names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_id), critical=False)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _builder(
    name: x509.Name, *, issuer: x509.Name, public_key: PublicKey, start: float, end: float
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.fromtimestamp(start, timezone.utc) - _SLACK)
        .not_valid_after(datetime.fromtimestamp(end, timezone.utc))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass  # then it is a host name
    try:
        host = name.encode("idna").decode("ascii")
    except UnicodeError:
        host = ""
    if not re.fullmatch(r"(\*\.)?[\w-]+(\.[\w-]+)*\.?", host):
        raise InvalidInput(f"{name!r} is neither a host name nor an IP address")
    return x509.DNSName(host)


def _usage(*names: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in names for usage in _USAGES})
