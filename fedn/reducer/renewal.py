"""The reducer's own certificate: for the names that this machine has, renewed while it serves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fedn.config import ReducerSettings
from fedn.errors import ConfigError, InvalidInput
from fedn.reducer.wsgi import Server
from fedn.rpc.renewal import Renewal
from fedn.security import private
from fedn.security.tls import Authority, local_names, new_key_and_request

_CLOSE_SECONDS = 5.0


def certify(authority: Authority, settings: ReducerSettings) -> tuple[Path, Path]:
    """A fresh server certificate for all names of this machine, and its key: as files, for `ssl` reads nothing else."""
    wildcard = settings.host in ("0.0.0.0", "::")  # noqa: S104  that is what is looked for
    names = tuple(dict.fromkeys((*local_names(), *settings.names, *(() if wildcard else (settings.host,)))))
    key_pem, csr_pem = new_key_and_request("FEDn reducer")
    lifetime = settings.certificate_seconds
    try:
        certificate_pem = authority.sign_request(csr_pem, names=names, now=time.time(), lifetime=lifetime)
    except ConfigError:
        raise
    except InvalidInput as error:
        raise ConfigError(f"names: {error.message}", hint="list host names and IP addresses") from error
    certificate, key = (settings.data_dir / "reducer" / name for name in ("server.pem", "server.key"))
    private.write(certificate, certificate_pem)
    private.write(key, key_pem)
    return certificate, key


@contextmanager
def renewing(server: Server, certificate: Path, *, authority: Authority, settings: ReducerSettings) -> Iterator[None]:
    """Within the block, new connections to `server` are shown a certificate that is good, `certificate` at first."""

    def renew() -> bytes:
        certificate, key = certify(authority, settings)
        server.show(certificate=certificate, key=key)
        return certificate.read_bytes()

    renewal = Renewal(certificate.read_bytes(), renew)
    renewal.start()
    try:
        yield
    finally:
        renewal.close(seconds=_CLOSE_SECONDS)
