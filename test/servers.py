"""Servers of other makers as processes, for tests that need them, stop them and kill them."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri
from waiting import DEADLINE

from fedn.config import MongoSettings, S3Settings

BIN = Path(sys.executable).parent
Server = TypeVar("Server", "MongoServer", "S3Server")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class MongoServer:
    """A server of MongoDB's protocol that keeps what it acknowledged in `folder`; it can go down and come back.

    Args:
        options: Further flags of its command line; `--standalone` for one outside a replica set.
        client: Options of `MongoClient` that reach it when it isn't plain.
    """

    def __init__(self, folder: Path, *options: str, client: dict[str, Any] | None = None) -> None:
        self.port = free_port()
        self._client = client or {}
        self._log = folder / "server.log"
        self._command = [
            str(BIN / "secantusd-py"),
            *("--host", "127.0.0.1", "--port", str(self.port), "--storage-path", str(folder / "data")),
            *("--sync-on-commit", "--log-level", "ERROR", *options),
        ]
        folder.mkdir(parents=True, exist_ok=True)
        self.start()

    def start(self, *options: str) -> None:
        """Start it, on the port and the folder it had, and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([*self._command, *options], stdout=log, stderr=subprocess.STDOUT)
        try:
            with self.connect() as client:
                client.admin.command("hello")
        except PyMongoError as error:
            self.kill()
            raise AssertionError(self._log.read_text()) from error

    def connect(self, **options: Any) -> MongoClient[dict[str, Any]]:
        """A client of its own, to look at and prepare what the server holds."""
        waits = {"serverSelectionTimeoutMS": DEADLINE * 1000, "directConnection": True}
        return MongoClient("127.0.0.1", self.port, **{**waits, **self._client, **options})

    def settings(self, **changes: Any) -> MongoSettings:
        return MongoSettings(**{"host": "127.0.0.1", "port": self.port, **changes})

    def pause(self) -> None:
        """Keep it from answering; its connections stay open."""
        self._process.send_signal(19)

    def go_on(self) -> None:
        self._process.send_signal(18)

    def kill(self) -> None:
        """End it as a crash does."""
        self._process.kill()
        self._process.wait(DEADLINE)

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


def genuine_mongo(uri: str) -> MongoSettings:
    """The settings that a URI stands for."""
    parts = parse_uri(uri)
    options = parts["options"]
    return MongoSettings(
        host=",".join(f"{host}:{port}" for host, port in parts["nodelist"]),
        username=parts["username"] or "",
        password=parts["password"] or "",
        auth_source=options.get("authsource", "admin"),
        replica_set=options.get("replicaset", ""),
        tls=options.get("tls", False),
        tls_ca_file=options.get("tlscafile", ""),
        tls_certificate_key_file=options.get("tlscertificatekeyfile", ""),
    )


@pytest.fixture(scope="session")
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoSettings]:
    """A server for all tests of a worker; each takes a database of its own (`network_id`).

    The environment variable FEDN_TEST_MONGO, a URI, names a genuine MongoDB in its place.
    """
    if uri := os.environ.get("FEDN_TEST_MONGO"):
        yield genuine_mongo(uri)
        return
    server = MongoServer(tmp_path_factory.mktemp("mongo"))
    yield server.settings()
    server.stop()


@pytest.fixture
def network_id() -> str:
    """A name that no other test has."""
    return f"test-{uuid.uuid4().hex}"


@contextlib.contextmanager
def running(server: Server) -> Iterator[Server]:
    """The server, until the block ends."""
    try:
        yield server
    finally:
        server.stop()


ACCESS_KEY, SECRET_KEY = "fedn-test", "fedn-test-secret"


class S3Server:
    """An S3 server that keeps what it acknowledged in `folder`; it can go down and come back.

    Args:
        options: Further flags of its command line, such as `--ssl-certfile` and `--ssl-keyfile`.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self._data = folder / "data"
        self._log = folder / "server.log"
        self._command = [
            *(sys.executable, "-m", "uvicorn", "--factory", "nanio.app:build_app"),
            *("--host", "127.0.0.1", "--port", str(self.port), "--log-level", "warning", *options),
        ]
        self._data.mkdir(parents=True, exist_ok=True)
        self.start()

    def start(self) -> None:
        """Start it, on the port and the folder it had, and wait until it listens."""
        own = {"NANIO_DATA_DIR": str(self._data), "NANIO_ACCESS_KEY": ACCESS_KEY, "NANIO_SECRET_KEY": SECRET_KEY}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **own}
            )
        deadline = time.monotonic() + DEADLINE
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            assert self._process.poll() is None and time.monotonic() < deadline, self._log.read_text()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.02)

    def settings(self, **changes: Any) -> S3Settings:
        given = {"hostname": "127.0.0.1", "port": self.port, "access_key": ACCESS_KEY, "secret_key": SECRET_KEY}
        return S3Settings(**{**given, "secure": False, **changes})

    def kill(self) -> None:
        """End it as a crash does."""
        self._process.kill()
        self._process.wait(DEADLINE)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(DEADLINE)


def genuine_s3(url: str) -> S3Settings:
    """The settings that `http(s)://ACCESS:SECRET@HOST:PORT` stands for."""
    parts = urlsplit(url)
    return S3Settings(
        hostname=parts.hostname or "",
        port=parts.port or (443 if parts.scheme == "https" else 80),
        access_key=unquote(parts.username or ""),
        secret_key=unquote(parts.password or ""),
        secure=parts.scheme == "https",
    )


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Settings]:
    """A server for all tests of a worker; each takes a network of its own (`network_id`).

    The environment variable FEDN_TEST_S3, a URL with the keys in it, names a genuine service in its place.
    """
    if url := os.environ.get("FEDN_TEST_S3"):
        yield genuine_s3(url)
        return
    server = S3Server(tmp_path_factory.mktemp("s3"))
    yield server.settings()
    server.stop()
