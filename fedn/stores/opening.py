"""Opens the stores that the settings name; a further kind of store is a line here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fedn.config import FileStorageSettings, MongoSettings, S3Settings, SqliteSettings
from fedn.errors import ConfigError
from fedn.stores.files import FileArtifactStore
from fedn.stores.protocols import ArtifactStore, StateStore
from fedn.stores.sqlite import SqliteStateStore


def open_state(settings: SqliteSettings | MongoSettings, *, network_id: str, data_dir: Path) -> StateStore:
    """The state store of a network; `ConfigError` where its driver isn't installed."""
    if isinstance(settings, SqliteSettings):
        return SqliteStateStore(data_dir / settings.path)
    with _driver("pymongo", f"statestore.type: {settings.TYPE}"):
        from fedn.stores.mongo import MongoStateStore  # noqa: PLC0415  only who chose it needs its driver
    return MongoStateStore(settings, network_id=network_id)


def open_artifacts(settings: FileStorageSettings | S3Settings, *, network_id: str, data_dir: Path) -> ArtifactStore:
    """The artifact store of a network; `ConfigError` where its driver isn't installed."""
    if isinstance(settings, FileStorageSettings):
        return FileArtifactStore(data_dir / settings.path)
    with _driver("minio", f"storage.storage_type: {settings.TYPE}"):
        from fedn.stores.s3 import S3ArtifactStore  # noqa: PLC0415
    return S3ArtifactStore(settings, network_id=network_id)


@contextmanager
def _driver(name: str, setting: str) -> Iterator[None]:
    """`ConfigError` where the block finds that a driver is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{setting} needs {name}, which is not installed", hint="pip install 'fedn[server]'"
        ) from error
