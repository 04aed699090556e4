"""Who may use the MongoDB state store, and how it is reached: users, their rights, TLS."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from contract.state_values import combiner
from servers import MongoServer, running

from fedn.config import MongoSettings
from fedn.errors import ConfigError, FednError, Forbidden, Unavailable
from fedn.security.tls import Authority, new_key_and_request
from fedn.stores.documents import Combiner
from fedn.stores.mongo import MongoStateStore
from fedn.stores.protocols import Insert

SECRET = "s3cret-Pa55word"


def use(settings: MongoSettings) -> str:
    """Opens the store, writes to it, and what it says of itself."""
    store = MongoStateStore(settings, network_id="n")
    try:
        store.write(Insert(combiner("c")))
        assert store.get(Combiner, "c") == combiner("c")
        return store.check()
    finally:
        store.close()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    """A server that wants users to log in, with one who may use the database and one who may only read it."""
    with running(MongoServer(tmp_path_factory.mktemp("guarded"))) as server:
        with server.connect() as client:
            for user, right in (("writer", "readWrite"), ("reader", "read")):
                client.admin.command("createUser", user, pwd=SECRET, roles=[{"role": right, "db": "n"}])
            client.admin.command("createUser", "stranger", pwd=SECRET, roles=[{"role": "readWrite", "db": "other"}])
        server.stop()
        server.start("--auth")
        yield server


def test_a_user_with_the_right_to_the_database_needs_no_other(guarded: MongoServer) -> None:
    assert use(guarded.settings(username="writer", password=SECRET)).endswith("database n")


@pytest.mark.parametrize(
    ("login", "kind", "message"),
    [
        (("", ""), ConfigError, r"wants a user.*mongo_config\.username"),
        (("writer", f"not-{SECRET}"), ConfigError, r"refuses the user 'writer'.*mongo_config\.password"),
        (("nobody", SECRET), ConfigError, "refuses the user 'nobody'"),
        (("stranger", SECRET), Forbidden, "the user 'stranger' may not.*readWrite on the database n"),
        (("reader", SECRET), Forbidden, "the user 'reader' may not.*readWrite on the database n"),
    ],
)
def test_who_may_not_is_told_what_to_change_and_no_password_is_shown(
    guarded: MongoServer,
    caplog: pytest.LogCaptureFixture,
    login: tuple[str, str],
    kind: type[FednError],
    message: str,
) -> None:
    settings = guarded.settings(username=login[0], password=login[1])
    with caplog.at_level(logging.DEBUG), pytest.raises(kind, match=message) as caught:
        use(settings)
    assert SECRET not in caplog.text + str(caught.value) + repr(settings)


def write_authority(folder: Path) -> Path:
    """A CA of its own; its certificate, and beside it `key.pem` and `cert.pem` of a server on this host."""
    folder.mkdir()
    now = time.time()
    authority = Authority.open(folder, now=now)
    key, request = new_key_and_request("localhost")
    certificate = authority.sign_request(request, names=["127.0.0.1"], now=now)
    (folder / "key.pem").write_bytes(key)
    (folder / "cert.pem").write_bytes(certificate)
    return folder / "ca.pem"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_authority(tmp_path_factory.mktemp("tls") / "own")


@pytest.fixture(scope="module")
def encrypted(own: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    flags = ("--tls-cert-file", str(own.with_name("cert.pem")), "--tls-key-file", str(own.with_name("key.pem")))
    client = {"tls": True, "tlsCAFile": str(own)}
    with running(MongoServer(tmp_path_factory.mktemp("encrypted"), *flags, client=client)) as server:
        yield server


def test_a_server_with_a_certificate_of_the_given_ca_is_trusted(encrypted: MongoServer, own: Path) -> None:
    assert use(encrypted.settings(tls=True, tls_ca_file=str(own))).endswith("database n")


def test_a_server_with_a_certificate_of_another_ca_is_not(encrypted: MongoServer, tmp_path: Path) -> None:
    other = write_authority(tmp_path / "other")
    for ca_file in (str(other), ""):
        with pytest.raises(ConfigError, match=r"isn't trusted.*mongo_config\.tls_ca_file"):
            use(encrypted.settings(tls=True, tls_ca_file=ca_file, timeout=1.0))


def test_a_server_with_tls_is_not_spoken_to_without(encrypted: MongoServer) -> None:
    with pytest.raises(Unavailable, match=f"127.0.0.1:{encrypted.port}"):
        use(encrypted.settings(timeout=1.0))


@pytest.mark.parametrize("name", ["tls_ca_file", "tls_certificate_key_file"])
def test_a_file_that_is_not_there_is_named_with_its_setting(tmp_path: Path, name: str) -> None:
    missing = tmp_path / "missing.pem"
    with pytest.raises(ConfigError, match=rf"mongo_config\.{name}: there is no file .*missing\.pem"):
        use(MongoSettings(**{"tls": True, name: str(missing)}))
