"""HTTPS to the reducer: the one place that makes requests and maps what comes back into errors of the tree."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from fedn.errors import FednError, Unauthenticated, Unavailable, WrongService, from_code
from fedn.security.join import JoinString
from fedn.security.tls import fingerprint, first_certificate

SECONDS = 30.0
TIMEOUT = httpx.Timeout(SECONDS, connect=5.0)
"""Seconds for a connection and between any two bytes; a whole transfer may take as long as it needs."""

STORING = 10e6
"""Bytes a second that a reducer checks and writes down at the least before it answers an upload."""

QUIET = httpx.Timeout(60.0, connect=5.0)
"""The same for a stream that stays open: the reducer says every few seconds that it is still there."""

Json = Any


class Http:
    """A session with one reducer.

    Args:
        base_url: `https://host:port`.
        ca_pem: The only root certificate to trust; none trusts the system's.
        token: Sent as a bearer token with every request.
    """

    def __init__(self, base_url: str, *, ca_pem: bytes | None = None, token: str = "") -> None:
        self.base_url = base_url.rstrip("/")
        self.ca_pem = ca_pem
        context = ssl.create_default_context(cadata=ca_pem.decode() if ca_pem else None)
        headers = {"authorization": f"Bearer {token}"} if token else {}
        # The environment's CA bundles and proxies are for the web; where the network's own CA rules they don't count.
        self._client = httpx.Client(
            base_url=self.base_url, verify=context, headers=headers, timeout=TIMEOUT, trust_env=ca_pem is None
        )

    def get(self, path: str, **params: Any) -> Json:
        """The JSON of a GET; parameters that are None are left out."""
        return self._json("GET", path, params={key: value for key, value in params.items() if value is not None})

    def post(self, path: str, body: Json = None) -> Json:
        """POST JSON, get JSON."""
        return self._json("POST", path, json=body if body is not None else {})

    def put(self, path: str, body: Json) -> Json:
        """PUT JSON, get JSON."""
        return self._json("PUT", path, json=body)

    def delete(self, path: str) -> Json:
        return self._json("DELETE", path)

    def upload(self, path: str, source: Path, **params: Any) -> Json:
        """POST the bytes of a file, streamed."""
        size = source.stat().st_size
        headers = {"content-type": "application/octet-stream", "content-length": str(size)}
        # The answer comes when the whole file has been checked and written to a disk that may be slow.
        timeout = httpx.Timeout(SECONDS + size / STORING, connect=5.0)
        with source.open("rb") as stream:
            content = iter(lambda: stream.read(1 << 20), b"")
            return self._json("POST", path, content=content, headers=headers, params=params, timeout=timeout)

    def download(self, path: str, target: Path) -> None:
        """GET bytes into a file, streamed. A transfer that breaks off leaves no file."""
        try:
            with target.open("wb") as sink, self.stream(path) as response:
                for piece in response.iter_bytes(1 << 20):
                    sink.write(piece)
        except (FednError, OSError):
            target.unlink(missing_ok=True)
            raise

    def read(self, path: str) -> bytes:
        """The bytes of a GET."""
        with self.stream(path) as response:
            return response.read()

    def lines(self, path: str, **params: Any) -> Iterator[str]:
        """The lines of a stream that stays open, as they come."""
        with self.stream(path, params=params, timeout=QUIET) as response:
            yield from response.iter_lines()

    @contextmanager
    def stream(self, path: str, **options: Any) -> Iterator[httpx.Response]:
        with self._mapped(), self._client.stream("GET", path, **options) as response:
            if response.is_error:
                response.read()
            self._check(response)
            try:
                yield response
            except (httpx.NetworkError, httpx.RemoteProtocolError) as error:
                raise Unavailable(
                    f"{self.base_url} broke off in the middle of its answer", hint="has the reducer been stopped?"
                ) from error

    def close(self) -> None:
        self._client.close()

    def _json(self, method: str, path: str, **options: Any) -> Json:
        with self._mapped():
            response = self._client.request(method, path, **options)
        self._check(response)
        if not response.content:
            return None
        try:
            return response.json()
        except ValueError as error:
            raise self._stranger() from error

    def _check(self, response: httpx.Response) -> None:
        """Raise the error that a response of 400 and above carries."""
        if not response.is_error:
            return
        try:
            problem = response.json()["error"]
            code, message, hint = problem["code"], problem["message"], problem.get("hint", "")
        except (ValueError, KeyError, TypeError) as error:
            raise self._stranger() from error
        raise from_code(code, message, hint=hint)

    def _stranger(self) -> FednError:
        return WrongService(
            f"{self.base_url} answers, but not as a FEDn reducer", hint="check the address and the port"
        )

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except httpx.TimeoutException as error:
            raise Unavailable(f"{self.base_url} did not answer in time", hint="is the reducer busy or gone?") from error
        except httpx.TransportError as error:
            raise _unreachable(self.base_url, error) from error


def _unreachable(url: str, error: httpx.TransportError) -> FednError:
    reason = str(error) or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        return Unauthenticated(
            f"{url} shows a certificate that the network's CA did not sign, or for another name ({reason})",
            hint="take a fresh join string from the operator; the certificate must carry the name or IP you dial",
        )
    # A reducer that stops before it has answered; without TLS, one that speaks another protocol looks the same.
    if url.startswith("https:") and any(words in reason for words in ("Server disconnected", "peer closed connection")):
        return Unavailable(f"{url} hung up before it had answered", hint="has the reducer been stopped?")
    if "WRONG_VERSION_NUMBER" in reason or isinstance(error, httpx.RemoteProtocolError):
        return WrongService(
            f"{url} answers, but not as a FEDn reducer ({reason})", hint="check the address and the port"
        )
    return Unavailable(f"no reducer at {url}: {reason}", hint="is it started? check host and port with `fedn doctor`")


def fetch_ca(join: JoinString) -> bytes:
    """The CA certificate (PEM) of the network that `join` names, checked against its fingerprint.

    The certificate comes over a connection that nothing vouches for yet; the fingerprint in the join string does.

    Raises:
        Unauthenticated: Another certificate than the join string promises.
        Unavailable: Nobody there.
        WrongService: Somebody, but not a reducer.
    """
    url = base_url(join.host, join.port)
    untrusted = ssl.create_default_context()
    untrusted.check_hostname = False
    untrusted.verify_mode = ssl.CERT_NONE
    try:
        response = httpx.get(f"{url}/api/v1/ca", verify=untrusted, timeout=TIMEOUT, trust_env=False)
    except httpx.TransportError as error:
        raise _unreachable(url, error) from error
    if response.is_error or not response.content.startswith(b"-----BEGIN CERTIFICATE-----"):
        raise WrongService(f"{url} answers, but not as a FEDn reducer", hint="check the address in the join string")
    if fingerprint(response.content) != join.fingerprint:
        raise Unauthenticated(
            f"the reducer at {url} has another CA than the join string names",
            hint="take a fresh join string from the operator; if it is fresh, someone is between you and the reducer",
        )
    return first_certificate(response.content)  # what stands behind it was not checked


def connect(join: JoinString) -> Http:
    """A session with the reducer that a join string names."""
    return Http(base_url(join.host, join.port), ca_pem=fetch_ca(join), token=join.token)


def base_url(host: str, port: int) -> str:
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
