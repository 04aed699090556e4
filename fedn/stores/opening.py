"""Opens the stores that the settings name; a further kind of store is a line here."""

from __future__ import annotations

from pathlib import Path

from fedn.config import FileStorageSettings, MongoSettings, S3Settings, SqliteSettings
from fedn.errors import ConfigError
from fedn.stores.files import FileArtifactStore
from fedn.stores.protocols import ArtifactStore, StateStore
from fedn.stores.sqlite import SqliteStateStore


def open_state(settings: SqliteSettings | MongoSettings, *, data_dir: Path) -> StateStore:
    """The state store; `ConfigError` for a kind that this release doesn't have."""
    if isinstance(settings, SqliteSettings):
        return SqliteStateStore(data_dir / settings.path)
    raise ConfigError(
        f"statestore.type: this release has no {settings.TYPE}, only the embedded store",
        hint=f"set statestore.type to {SqliteSettings.TYPE}",
    )


def open_artifacts(settings: FileStorageSettings | S3Settings, *, data_dir: Path) -> ArtifactStore:
    """The artifact store; `ConfigError` for a kind that this release doesn't have."""
    if isinstance(settings, FileStorageSettings):
        return FileArtifactStore(data_dir / settings.path)
    raise ConfigError(
        f"storage.storage_type: this release has no {settings.TYPE}, only the embedded store",
        hint=f"set storage.storage_type to {FileStorageSettings.TYPE}",
    )
