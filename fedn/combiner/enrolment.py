"""How a combiner becomes part of the network: a certificate for its names, then its address."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from fedn.rpc.http import Http
from fedn.security.tls import new_key_and_request


@dataclass(frozen=True)
class Identity:
    """What a combiner proves itself with, and what it checks others by."""

    key_pem: bytes
    certificate_pem: bytes
    token_key: bytes
    """Public key (PEM) that the network's tokens are verified with."""
    network_id: str


def request_identity(http: Http, *, name: str, host: str) -> Identity:
    """Have the reducer's CA sign a fresh key for `host`. The key never leaves this process."""
    key_pem, csr_pem = new_key_and_request(name)
    answer = http.post(f"{_path(name)}/certificate", {"csr": csr_pem.decode(), "host": host})
    return Identity(
        key_pem=key_pem,
        certificate_pem=answer["certificate"].encode(),
        token_key=answer["token_key"].encode(),
        network_id=answer["network_id"],
    )


def announce(http: Http, *, name: str, host: str, port: int, max_clients: int) -> None:
    """Tell the reducer where this combiner listens; it dials back and starts giving it clients."""
    http.put(_path(name), {"host": host, "port": port, "max_clients": max_clients})


def _path(name: str) -> str:
    return f"/api/v1/combiners/{quote(name, safe='')}"
