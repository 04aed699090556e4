"""The network's own certificate authority, and what a server needs to get a certificate from it."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from fedn.errors import ConfigError, InvalidInput
from fedn.security import certificates, private
from fedn.security.certificates import PublicKey

DAY = 86_400.0
_AUTHORITY_LIFETIME = 3650 * DAY
_SERVER_LIFETIME = 90 * DAY
_NEW_NETWORK = "start a new network, and have all join it"


class Authority:
    """A certificate authority. Times are seconds, instants seconds since the epoch.

    Args:
        certificate_pem: Its certificate, which everybody in the network trusts.
        key_pem: Its private key. ValueError if either can't be read.
    """

    def __init__(self, certificate_pem: bytes, key_pem: bytes) -> None:
        self.certificate_pem = certificate_pem
        self._certificate = x509.load_pem_x509_certificate(certificate_pem)
        self._key = certificates.key_from_pem(key_pem)

    @classmethod
    def open(cls, folder: Path, *, now: float) -> Authority:
        """The authority kept in `folder` as `ca.pem` and `ca.key`; made there, for ten years, if there is none.

        Raises:
            ConfigError: A file is missing or unreadable, they don't belong together, or the certificate has expired.
        """
        certificate_file, key_file = folder / "ca.pem", folder / "ca.key"
        hint = f"restore {folder} from a backup, or empty it to start a new network"
        if certificate_file.exists() and not key_file.exists():
            raise ConfigError(f"{certificate_file} is there without {key_file.name}", hint=hint)

        def make_certificate() -> bytes:
            key = certificates.key_from_pem(key_pem)
            return certificates.authority_certificate(key, start=now, end=now + _AUTHORITY_LIFETIME)

        try:
            # The key comes first: if this is cut short, the next start makes the certificate that is missing.
            key_pem = private.keep(key_file, lambda: certificates.key_to_pem(certificates.new_key()))
            authority = cls(private.keep(certificate_file, make_certificate), key_pem)
        except ValueError as error:
            raise ConfigError(f"ca.pem or ca.key in {folder} can't be read", hint=hint) from error
        if authority._certificate.public_key() != authority._key.public_key():
            raise ConfigError(f"ca.pem and ca.key in {folder} don't belong together", hint=hint)
        if now >= authority._certificate.not_valid_after_utc.timestamp():
            raise ConfigError(f"{certificate_file} has expired", hint=_NEW_NETWORK)
        return authority

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the CA certificate's DER, in hex."""
        return fingerprint(self.certificate_pem)

    def issue(
        self, names: Sequence[str], *, public_key: PublicKey, now: float, lifetime: float = _SERVER_LIFETIME
    ) -> bytes:
        """A certificate for a server with these host names and IP addresses; behind it the CA's; as PEM.

        It ends with a whole second, at the earliest after `lifetime`, and at the latest with the CA's.

        Raises:
            InvalidInput: There are no names, or one is neither.
            ConfigError: The CA's certificate has expired.
        """
        if now >= self._certificate.not_valid_after_utc.timestamp():
            raise ConfigError("the certificate of the network's CA has expired", hint=_NEW_NETWORK)
        end = now + lifetime
        certificate = certificates.server_certificate(
            names, public_key=public_key, authority=self._certificate, key=self._key, start=now, end=end
        )
        return certificate + self.certificate_pem

    def sign_request(
        self, csr_pem: bytes, *, names: Sequence[str], now: float, lifetime: float = _SERVER_LIFETIME
    ) -> bytes:
        """`issue` for the key of a request (PKCS #10). The names are the caller's to decide: those in it don't count.

        Raises:
            InvalidInput: It isn't a request, or isn't signed with its own key.
            ConfigError: The CA's certificate has expired.
        """
        try:
            request = x509.load_pem_x509_csr(csr_pem)
        except ValueError as error:
            raise InvalidInput("the certificate request can't be read") from error
        key = request.public_key()
        if not request.is_signature_valid or not isinstance(key, ec.EllipticCurvePublicKey):
            raise InvalidInput("the certificate request is not signed with an elliptic curve key of its own")
        return self.issue(names, public_key=key, now=now, lifetime=lifetime)


def new_key_and_request(common_name: str) -> tuple[bytes, bytes]:
    """A new private key (PEM, PKCS #8) and a request for a certificate for it (PEM, PKCS #10)."""
    key = certificates.new_key()
    builder = x509.CertificateSigningRequestBuilder(certificates.subject(common_name))
    return certificates.key_to_pem(key), builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def fingerprint(certificate_pem: bytes) -> str:
    """SHA-256 of a certificate's DER, in hex; of the first one where there are several. InvalidInput for none."""
    return _first(certificate_pem).fingerprint(hashes.SHA256()).hex()


def first_certificate(certificate_pem: bytes) -> bytes:
    """The first certificate of several as PEM, the one that `fingerprint` is of. InvalidInput for none."""
    return _first(certificate_pem).public_bytes(Encoding.PEM)


def expiry(certificate_pem: bytes) -> float:
    """When a certificate ends; the first one where there are several. InvalidInput for none."""
    return _first(certificate_pem).not_valid_after_utc.timestamp()


def _first(certificate_pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(certificate_pem)
    except ValueError as error:
        raise InvalidInput("this is not a certificate in PEM") from error


def local_names() -> tuple[str, ...]:
    """The host names and IP addresses by which this machine is reached, as far as it knows them itself."""
    names = ["localhost", "127.0.0.1", "::1", socket.gethostname()]
    try:
        found = socket.getaddrinfo(socket.gethostname(), None, type=socket.SOCK_STREAM, flags=socket.AI_CANONNAME)
    except OSError:
        found = []  # its own name resolves to nothing
    for *_, canonical, address in found:
        names += [canonical, str(address[0]).partition("%")[0]]
    names += _addresses()
    return tuple(dict.fromkeys(name for name in names if name))


def _addresses() -> Iterator[str]:
    """The addresses of this machine's network interfaces; none that is good on one link only."""
    for interface in psutil.net_if_addrs().values():
        for found in interface:
            if found.family in (socket.AF_INET, socket.AF_INET6):
                address = found.address.partition("%")[0]
                if not ipaddress.ip_address(address).is_link_local:
                    yield address
