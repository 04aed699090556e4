"""The artifact store on an S3 service: the contract, and what a service adds that others use and that goes away."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from contract.artifact_store import CONTENTS, CONTEXT, MODELS, ArtifactStoreContract, stored
from servers import S3Server, running
from waiting import DEADLINE

from fedn.config import S3Settings
from fedn.errors import ConfigError, NotFound, Unavailable, WrongService
from fedn.security.tls import Authority, new_key_and_request
from fedn.stores.s3 import S3ArtifactStore

if sys.version_info < (3, 11):
    pytest.skip("the S3 server of the tests needs Python 3.11", allow_module_level=True)

PUT_FOR_EVER = """
import sys
from io import BytesIO
from fedn.config import S3Settings
from fedn.stores.s3 import S3ArtifactStore

keys = dict(access_key=sys.argv[2], secret_key=sys.argv[3])
store = S3ArtifactStore(S3Settings(hostname="127.0.0.1", port=int(sys.argv[1]), secure=False, **keys), network_id="n")
store.put("fedn-models", "done", b"content")

class Endless(BytesIO):
    def read(self, size=-1):
        print("reading", flush=True)
        return b"x" * (1 << 20)

store.put("fedn-models", "done", Endless())
"""


@pytest.fixture
def store(s3: S3Settings, network_id: str) -> Iterator[S3ArtifactStore]:
    with contextlib.closing(S3ArtifactStore(replace(s3, direct=True), network_id=network_id)) as store:
        yield store


@pytest.fixture
def server(tmp_path: Path) -> Iterator[S3Server]:
    """One of the test's own, to be killed."""
    with running(S3Server(tmp_path / "server")) as server:
        yield server


class TestS3ArtifactStore(ArtifactStoreContract):
    pass


def test_networks_that_share_buckets_do_not_see_each_other(s3: S3Settings, store: S3ArtifactStore) -> None:
    other = S3ArtifactStore(s3, network_id="another")
    store.put(MODELS, "same", b"mine")
    other.put(MODELS, "same", b"theirs")
    other.put(MODELS, "more", b"")
    assert store.list(MODELS) == ["same"]
    other.delete(MODELS, "same")
    other.delete(MODELS, "more")
    assert store.read(MODELS, "same") == b"mine"


def test_buckets_are_those_of_the_settings(s3: S3Settings, network_id: str) -> None:
    store = S3ArtifactStore(replace(s3, bucket="own-models", context_bucket="own-packages"), network_id=network_id)
    store.put(MODELS, "m", b"model")
    store.put(CONTEXT, "p", b"package")
    assert "own-models and own-packages" in store.check()
    assert store._client.stat_object("own-models", f"{network_id}/m").size == 5
    with pytest.raises(ConfigError, match="the same"):
        S3ArtifactStore(replace(s3, context_bucket="fedn-models"), network_id=network_id)


def test_files_of_many_parts_are_stored_whole(store: S3ArtifactStore, tmp_path: Path) -> None:
    content = CONTENTS[-1] * 9  # 27 MiB
    file = tmp_path / "model"
    file.write_bytes(content)
    with file.open("rb") as stream:
        for source, sha256 in ((file, None), (file, stored(content).sha256), (stream, None)):
            assert store.put(MODELS, "m", source, sha256=sha256) == stored(content)
            assert store.read(MODELS, "m") == content
            assert store.read(MODELS, "m", offset=20_000_000, length=100) == content[20_000_000:20_000_100]
            store.delete(MODELS, "m")


def test_a_killed_service_has_all_it_acknowledged_and_the_store_goes_on(server: S3Server) -> None:
    settings = server.settings(timeout=1.0)
    store = S3ArtifactStore(settings, network_id="n")
    for number in range(20):
        store.put(MODELS, f"m{number}", bytes([number]) * 1000)
    server.kill()
    for attempt in (lambda: store.read(MODELS, "m0"), lambda: store.put(MODELS, "m0", b""), store.check):
        with pytest.raises(Unavailable, match=f"127.0.0.1:{server.port}"):
            attempt()
    with pytest.raises(Unavailable, match=f"127.0.0.1:{server.port}"):
        S3ArtifactStore(settings, network_id="n")
    server.start()
    assert [store.read(MODELS, f"m{number}") for number in range(20)] == [
        bytes([number]) * 1000 for number in range(20)
    ]


def test_a_killed_put_changes_nothing(server: S3Server) -> None:
    settings = server.settings()
    command = [sys.executable, "-c", PUT_FOR_EVER, str(server.port), settings.access_key, settings.secret_key]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(20):
            next(writer.stdout)
        writer.kill()
    store = S3ArtifactStore(settings, network_id="n")
    assert store.list(MODELS) == ["done"]
    assert store.read(MODELS, "done") == b"content"


@pytest.mark.parametrize("wrong", ["access_key", "secret_key"])
def test_wrong_keys_are_named_by_their_settings_and_never_shown(
    s3: S3Settings, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "wr0ng-secret-key"
    settings = replace(s3, **{wrong: secret})
    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises(ConfigError, match="storage_access_key and storage_secret") as told,
    ):
        S3ArtifactStore(settings, network_id="n")
    assert secret not in caplog.text + str(told.value) + repr(settings)
    assert s3.secret_key not in caplog.text


def test_a_url_runs_out(store: S3ArtifactStore) -> None:
    store.put(MODELS, "m", b"content")
    found = store.presign(MODELS, "m", seconds=1)
    assert found is not None
    url = found.url
    deadline = time.monotonic() + DEADLINE
    while (answer := requests.get(url, timeout=DEADLINE)).ok:  # each asks anew, until the second is over
        assert time.monotonic() < deadline
    assert answer.status_code == 403
    assert requests.get(url.replace("/m?", "/other?"), timeout=DEADLINE).status_code == 403


def test_there_is_no_url_unless_it_was_asked_for(s3: S3Settings, network_id: str) -> None:
    with contextlib.closing(S3ArtifactStore(s3, network_id=network_id)) as store:
        store.put(MODELS, "m", b"content")
        assert store.presign(MODELS, "m", seconds=60) is None


def test_what_is_no_s3_service_is_called_so(s3: S3Settings, mongo: object) -> None:
    with pytest.raises((WrongService, Unavailable)):
        S3ArtifactStore(replace(s3, port=mongo.port), network_id="n")  # type: ignore[attr-defined]


def test_tls_is_checked_against_the_ca_of_the_settings(tmp_path: Path) -> None:
    now = time.time()
    authority, stranger = Authority.open(tmp_path / "ca", now=now), Authority.open(tmp_path / "other", now=now)
    key, request = new_key_and_request("s3")
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "cert.pem").write_bytes(authority.sign_request(request, names=["127.0.0.1"], now=now))
    (tmp_path / "stranger.pem").write_bytes(stranger.certificate_pem)
    flags = ("--ssl-certfile", str(tmp_path / "cert.pem"), "--ssl-keyfile", str(tmp_path / "key.pem"))
    with running(S3Server(tmp_path / "server", *flags)) as server:
        settings = server.settings(secure=True, ca_file=str(tmp_path / "ca" / "ca.pem"))
        with contextlib.closing(S3ArtifactStore(settings, network_id="n")) as store:
            store.put(MODELS, "m", CONTENTS[-1] * 4)
            assert store.read(MODELS, "m") == CONTENTS[-1] * 4
            assert "over TLS" in store.check()
        with pytest.raises(ConfigError, match="storage_ca_file"):
            S3ArtifactStore(replace(settings, ca_file=str(tmp_path / "stranger.pem")), network_id="n")
        with pytest.raises(ConfigError, match="can't be read as certificates"):
            S3ArtifactStore(replace(settings, ca_file=str(tmp_path / "none.pem")), network_id="n")


def test_a_service_without_tls_is_told_apart(s3: S3Settings) -> None:
    with pytest.raises(ConfigError, match="storage_secure_mode to false"):
        S3ArtifactStore(replace(s3, secure=True), network_id="n")


def test_kms_needs_a_key(s3: S3Settings) -> None:
    with pytest.raises(ConfigError, match="storage_kms_key"):
        S3ArtifactStore(replace(s3, encryption="SSE-KMS"), network_id="n")


def test_where_no_buckets_are_none_are_made_for_a_look(server: S3Server) -> None:
    settings = server.settings()
    with pytest.raises(NotFound, match=f"has no buckets {settings.bucket} and {settings.context_bucket} yet"):
        S3ArtifactStore(settings, network_id="n", make=False)
    others = server.settings(bucket="one", context_bucket="two")
    with contextlib.closing(S3ArtifactStore(others, network_id="n")) as store:
        assert [bucket.name for bucket in store._client.list_buckets()] == ["one", "two"]
    half = server.settings(bucket="one", context_bucket="three")
    with pytest.raises(NotFound, match="has no bucket three yet"):
        S3ArtifactStore(half, network_id="n", make=False)
    S3ArtifactStore(others, network_id="n", make=False).close()
