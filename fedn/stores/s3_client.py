"""The connection to an S3 service: how it is made, and the one place that maps what goes wrong on it."""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree.ElementTree import ParseError

from minio import Minio
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from minio.sse import Sse, SseKMS, SseS3
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Retry, Timeout
from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError, MaxRetryError

from fedn.config import S3Settings
from fedn.errors import ConfigError, FednError, Forbidden, NotFound, Unavailable, WrongService

CONNECTIONS = 32
"""Connections kept open for the threads of a reducer; more are made as needed, and closed after use."""

SENT_AT_ONCE = 1 << 16
"""Bytes that must be on their way within the time-out: a slow line takes long for a file, but is not silent."""

_WRONG_KEYS = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidTokenId", "InvalidToken", "UnknownAccessKeyId"}
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----")
_ABSENT = {"NoSuchKey", "NoSuchVersion"}


class _Connection(HTTPConnection):
    """One that sends large bodies by the piece: the time-out of a socket is for all that it is given at once."""

    def send(self, data: bytes) -> None:  # type: ignore[override]
        if len(data) <= SENT_AT_ONCE:
            super().send(data)
            return
        view = memoryview(data)
        for start in range(0, len(view), SENT_AT_ONCE):
            super().send(view[start : start + SENT_AT_ONCE])


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


def connect(settings: S3Settings) -> tuple[Minio, PoolManager]:
    """A client of the service, and its connections, to be handed to `close`. Nothing is sent yet.

    Raises:
        ConfigError: Settings that can't be met.
    """
    # Else every call while the service is away leaves lines about its repetitions in the log.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    pool = PoolManager(
        maxsize=CONNECTIONS,
        timeout=Timeout(connect=settings.timeout, read=settings.timeout),
        retries=Retry(total=2, connect=1, read=1, backoff_factor=0.1, status_forcelist=[500, 502, 503, 504]),
        ssl_context=_context(settings.ca_file) if settings.secure else None,
    )
    pool.pool_classes_by_scheme = {"http": _Pool, "https": HTTPSConnectionPool}
    try:
        client = Minio(
            address(settings),
            access_key=settings.access_key,
            secret_key=settings.secret_key,
            secure=settings.secure,
            region=settings.region or None,
            http_client=pool,
        )
    except ValueError as error:
        raise ConfigError(f"storage_hostname, storage_port or storage_region: {error}") from error
    return client, pool


def close(pool: PoolManager) -> None:
    """Close all connections; `clear` leaves them to the garbage collector, and a server that stops waits for that."""
    for key in pool.pools.keys():  # noqa: SIM118  no iterable otherwise
        pool.pools[key].close()
    pool.clear()


def address(settings: S3Settings) -> str:
    """host:port."""
    host = f"[{settings.hostname}]" if ":" in settings.hostname else settings.hostname
    return f"{host}:{settings.port}"


def encryption(settings: S3Settings) -> Sse | None:
    """What to ask the service to encrypt with."""
    if settings.encryption == "SSE-S3":
        return SseS3()
    if settings.encryption == "SSE-KMS":
        if not settings.kms_key:
            raise ConfigError("storage_encryption is SSE-KMS without a key", hint="set storage_kms_key to its id")
        return SseKMS(settings.kms_key, {})
    return None


@contextmanager
def mapped_errors(what: str, *, where: str, right: str) -> Iterator[None]:
    """Raises errors of the tree for those of the SDK and of the line.

    Args:
        what: What was to be done, for messages.
        where: host:port of the service.
        right: What the access key must be allowed for it.
    """
    try:
        yield
    except S3Error as error:
        raise _refused(error, what, where, right) from error
    except HTTPError as error:
        raise _unreachable(error, what, where) from error
    except ServerError as error:
        raise Unavailable(f"can't {what}: the S3 service at {where} failed: {error}") from error
    except (InvalidResponseError, MinioException, ParseError) as error:
        raise WrongService(
            f"can't {what}: {where} answers, but not as an S3 service",
            hint="check storage_hostname, storage_port and storage_secure_mode; the port of a web console is another",
        ) from error
    except OSError as error:  # of the file to be stored
        raise Unavailable(f"can't {what}: {error}") from error


def _refused(error: S3Error, what: str, where: str, right: str) -> FednError:  # noqa: PLR0911  a case a line
    said = f"{error.code}: {error.message}"
    if error.code in _ABSENT:
        return NotFound(f"can't {what}: there is no such file")
    if error.code in _WRONG_KEYS:
        return ConfigError(
            f"the S3 service at {where} doesn't take the keys ({error.code})",
            hint="check storage_access_key and storage_secret_key",
        )
    if error.code in ("AccessDenied", "AllAccessDisabled"):
        return Forbidden(
            f"can't {what}: the S3 service at {where} denies it",
            hint=f"the access key needs the right {right}; check storage_secret_key, too",
        )
    if error.code == "NoSuchBucket":
        return ConfigError(f"can't {what}: the bucket is gone", hint="make it anew, or restart to have it made")
    if error.code in ("AuthorizationHeaderMalformed", "PermanentRedirect", "Redirect"):
        return ConfigError(f"can't {what}: {said}", hint="check storage_region")
    if error.code == "RequestTimeTooSkewed":
        return Unavailable(f"can't {what}: {said}", hint=f"the clocks here and at {where} differ: set them right")
    return Unavailable(f"can't {what}: the S3 service at {where} says {said}")


def _unreachable(error: HTTPError, what: str, where: str) -> FednError:
    said = str(error.reason if isinstance(error, MaxRetryError) else error)
    reason = re.sub(r"^\w+\(host=[^)]*\): ", "", said)  # urllib3 names its own object first
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        return ConfigError(
            f"the S3 service at {where} shows a certificate that can't be trusted ({reason})",
            hint="set storage_ca_file to its CA; the certificate must carry the name in storage_hostname",
        )
    if "WRONG_VERSION_NUMBER" in reason:
        return ConfigError(
            f"the S3 service at {where} speaks no TLS", hint="set storage_secure_mode to false, or have it speak TLS"
        )
    return Unavailable(
        f"can't {what}: no answer from the S3 service at {where}: {reason}",
        hint="is it started? check storage_hostname and storage_port",
    )


def ca_pem(settings: S3Settings) -> str:
    """The certificates of the CA that is trusted alone; empty where those of this machine are."""
    if not settings.secure or not settings.ca_file:
        return ""
    try:
        text = Path(settings.ca_file).read_text(encoding="ascii", errors="ignore")  # people write between certificates
    except OSError as error:
        raise _unreadable(settings.ca_file, error) from error
    return "\n".join(_CERTIFICATE.findall(text))


def _context(ca_file: str) -> ssl.SSLContext:
    """Trusts that CA alone, whatever the environment names; without a file those of this machine."""
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:  # an SSLError is one, too
        raise _unreadable(ca_file, error) from error


def _unreadable(ca_file: str, error: OSError) -> ConfigError:
    return ConfigError(f"storage_ca_file: {ca_file} can't be read as certificates: {error}")
