"""Opens the stores that the settings name; a further kind of store is a line here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fedn.config import FileStorageSettings, MongoSettings, S3Settings, SqliteSettings
from fedn.errors import ConfigError, NotFound
from fedn.stores.files import FileArtifactStore
from fedn.stores.protocols import MADE_LATER, ArtifactStore, StateStore
from fedn.stores.sqlite import SqliteStateStore


def open_state(
    settings: SqliteSettings | MongoSettings, *, network_id: str, data_dir: Path, make: bool = True
) -> StateStore:
    """The state store of a network; `ConfigError` where its driver isn't installed.

    Without `make`, `NotFound` where there is none yet.
    """
    if isinstance(settings, SqliteSettings):
        return SqliteStateStore(data_dir / settings.path, make=make)
    with _driver("pymongo", f"statestore.type: {settings.TYPE}"):
        from fedn.stores.mongo import MongoStateStore  # noqa: PLC0415  only who chose it needs its driver
    return MongoStateStore(settings, network_id=network_id, make=make)


def open_artifacts(
    settings: FileStorageSettings | S3Settings, *, network_id: str, data_dir: Path, make: bool = True
) -> ArtifactStore:
    """The artifact store of a network; `ConfigError` where its driver isn't installed.

    Without `make`, `NotFound` where there is none yet; and nothing is swept away, as a reducer may be at work on it.
    """
    if isinstance(settings, FileStorageSettings):
        folder = data_dir / settings.path
        if not make and not folder.exists():
            raise NotFound(f"there is no {folder} yet", hint=MADE_LATER)
        return FileArtifactStore(folder, sweep=make)
    with _driver("minio", f"storage.storage_type: {settings.TYPE}"):
        from fedn.stores.s3 import S3ArtifactStore  # noqa: PLC0415
    return S3ArtifactStore(settings, network_id=network_id, make=make)


@contextmanager
def _driver(name: str, setting: str) -> Iterator[None]:
    """`ConfigError` where the block finds that a driver is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{setting} needs {name}, which is not installed", hint="pip install 'fedn[server]'"
        ) from error
