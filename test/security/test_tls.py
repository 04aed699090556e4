from __future__ import annotations

import contextlib
import hashlib
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path

import pytest
from cryptography import x509

from fedn.errors import ConfigError, InvalidInput
from fedn.security.tls import DAY, Authority, expiry, fingerprint, local_names, new_key_and_request
from fedn.security.tokens import new_signing_key

NOW = datetime.now(timezone.utc).timestamp()  # the handshakes below go by the real clock


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.open(tmp_path / "ca", now=NOW)


def signed(authority: Authority, *names: str, lifetime: float = DAY) -> tuple[bytes, bytes]:
    key, request = new_key_and_request("server")
    return key, authority.sign_request(request, names=names, now=NOW, lifetime=lifetime)


def handshake(folder: Path, key: bytes, chain: bytes, *, trusted: bytes, host: str) -> None:
    """Connect to a real TLS server with this certificate, as `host`; raises what the client sees."""
    (folder / "key").write_bytes(key)
    (folder / "chain").write_bytes(chain)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "chain", folder / "key")
    client = ssl.create_default_context(cadata=trusted.decode())
    client.verify_flags |= ssl.VERIFY_X509_STRICT

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.settimeout(10)
        with connection, contextlib.suppress(OSError):  # where the client hangs up, it is the client that says why
            server.wrap_socket(connection, server_side=True).close()

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        served = pool.submit(serve, listener)
        with socket.create_connection(listener.getsockname(), timeout=10) as raw:
            client.wrap_socket(raw, server_hostname=host).close()
        served.result()


NAMES = ("localhost", "reducer.example.org", "my_host", "bücher.example", "127.0.0.1", "::1", "10.1.2.3")


@pytest.mark.parametrize("host", NAMES)
def test_a_client_that_trusts_the_ca_accepts_every_name(host: str, authority: Authority, tmp_path: Path) -> None:
    handshake(tmp_path, *signed(authority, *NAMES), trusted=authority.certificate_pem, host=host)


@pytest.mark.parametrize("host", ["elsewhere", "127.0.0.2", "::2"])
def test_a_client_refuses_another_name(host: str, authority: Authority, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match=r"mismatch|not valid"):
        handshake(tmp_path, *signed(authority, "localhost", "::1"), trusted=authority.certificate_pem, host=host)


def test_a_client_of_another_network_refuses(authority: Authority, tmp_path: Path) -> None:
    other = Authority.open(tmp_path / "other", now=NOW)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tmp_path, *signed(authority, "localhost"), trusted=other.certificate_pem, host="localhost")


def test_an_expired_certificate_is_refused(authority: Authority, tmp_path: Path) -> None:
    key, chain = signed(authority, "localhost", lifetime=-60)
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        handshake(tmp_path, key, chain, trusted=authority.certificate_pem, host="localhost")


def test_a_servers_certificate_signs_no_other(authority: Authority, tmp_path: Path) -> None:
    key, chain = signed(authority, "localhost")
    impostor = Authority(chain.split(b"-----END CERTIFICATE-----\n")[0] + b"-----END CERTIFICATE-----\n", key)
    other_key, leaf = signed(impostor, "localhost")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tmp_path, other_key, leaf + chain, trusted=authority.certificate_pem, host="localhost")


def test_opening_again_finds_the_same(authority: Authority, tmp_path: Path) -> None:
    again = Authority.open(tmp_path / "ca", now=NOW + DAY)
    assert again.certificate_pem == authority.certificate_pem
    assert (tmp_path / "ca" / "ca.key").stat().st_mode & 0o777 == 0o600
    assert b"PRIVATE" not in authority.certificate_pem


def test_a_first_start_that_was_cut_short_is_finished(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "ca" / "ca.pem").unlink()
    again = Authority.open(tmp_path / "ca", now=NOW)
    handshake(tmp_path, *signed(again, "localhost"), trusted=again.certificate_pem, host="localhost")


def test_the_fingerprint_is_that_of_the_der(authority: Authority) -> None:
    der = ssl.PEM_cert_to_DER_cert(authority.certificate_pem.decode())
    assert authority.fingerprint == fingerprint(authority.certificate_pem) == hashlib.sha256(der).hexdigest()
    with pytest.raises(InvalidInput, match="not a certificate"):
        fingerprint(b"<html>")


def test_the_authority_lasts_ten_years_and_no_certificate_outlives_it(authority: Authority) -> None:
    end = x509.load_pem_x509_certificate(authority.certificate_pem).not_valid_after_utc
    assert int((end.timestamp() - NOW) / DAY + 0.5) == 3650
    _, chain = signed(authority, "localhost", lifetime=9999 * DAY)
    leaf, issuer = x509.load_pem_x509_certificates(chain)
    assert leaf.not_valid_after_utc == issuer.not_valid_after_utc == end


@pytest.mark.parametrize("lifetime", [0.001, 0.5, 2, 90 * DAY])
def test_a_certificate_ends_with_the_whole_second_after_its_lifetime(authority: Authority, lifetime: float) -> None:
    end = expiry(signed(authority, "localhost", lifetime=lifetime)[1])
    assert end == int(end)
    assert NOW + lifetime <= end < NOW + lifetime + 1


def test_an_authority_that_has_expired_signs_nothing(authority: Authority) -> None:
    _, request = new_key_and_request("server")
    with pytest.raises(ConfigError, match=r"CA has expired.*new network"):
        authority.sign_request(request, names=["localhost"], now=NOW + 3650 * DAY)


def test_names_in_the_request_do_not_count(authority: Authority) -> None:
    _, request = new_key_and_request("evil.example.org")
    (leaf, _) = x509.load_pem_x509_certificates(authority.sign_request(request, names=["good"], now=NOW))
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["good"]
    assert leaf.subject.rfc4514_string() == "CN=good"


@pytest.mark.parametrize("name", ["", "a b", "http://x", "1.2.3.4:80", "a..b", "x" * 64])
def test_what_is_no_name(name: str, authority: Authority) -> None:
    with pytest.raises(InvalidInput, match="neither a host name nor an IP address"):
        signed(authority, name)
    with pytest.raises(InvalidInput, match="at least one name"):
        signed(authority)


def test_what_is_no_request(authority: Authority) -> None:
    with pytest.raises(InvalidInput, match="can't be read"):
        authority.sign_request(b"hello", names=["a"], now=NOW)
    _, request = new_key_and_request("a")
    lines = request.splitlines()
    lines[-2] = lines[-2][:-12] + (b"AAAAAAA" + lines[-2][-5:])
    with pytest.raises(InvalidInput, match=r"not signed|can't be read"):
        authority.sign_request(b"\n".join(lines), names=["a"], now=NOW)


def test_files_that_are_no_authority(authority: Authority, tmp_path: Path) -> None:
    folder = tmp_path / "ca"
    (folder / "ca.key").rename(tmp_path / "kept")
    with pytest.raises(ConfigError, match=r"ca\.pem is there without ca\.key.*backup"):
        Authority.open(folder, now=NOW)
    (folder / "ca.key").write_bytes(new_key_and_request("other")[0])
    with pytest.raises(ConfigError, match="don't belong together"):
        Authority.open(folder, now=NOW)
    for content in (b"", new_signing_key()):
        (folder / "ca.key").write_bytes(content)
        with pytest.raises(ConfigError, match="can't be read"):
            Authority.open(folder, now=NOW)
    (tmp_path / "kept").rename(folder / "ca.key")
    with pytest.raises(ConfigError, match="has expired"):
        Authority.open(folder, now=NOW + 3651 * DAY)


def test_this_machine_knows_its_names(authority: Authority) -> None:
    names = local_names()
    assert {"localhost", "127.0.0.1", "::1", socket.gethostname()} <= set(names)
    assert len(set(names)) == len(names)
    assert signed(authority, *names)
