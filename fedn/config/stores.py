"""Where a reducer keeps its state and its artifacts: embedded in the data folder, or on servers of their own.

`TYPE` is what a settings file writes under `statestore.type` and `storage.storage_type`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar

from fedn.config.kinds import Port
from fedn.config.schema import Choice, Key


@dataclass(frozen=True, kw_only=True)
class SqliteSettings(Choice):
    TYPE: ClassVar[str] = "SQLite"

    path: Path = Path("reducer/state.db")
    """The database's file; a relative path starts at `data_dir`."""


@dataclass(frozen=True, kw_only=True)
class MongoSettings(Choice):
    TYPE: ClassVar[str] = "MongoDB"

    host: Annotated[str, Key("mongo_config.host")] = "localhost"
    """Host name or address of the server. The database in it is named by `network_id`."""
    port: Annotated[Port, Key("mongo_config.port")] = 27017
    """Port of the server."""
    username: Annotated[str, Key("mongo_config.username")] = ""
    """User to log in as; empty logs in as nobody."""
    password: Annotated[str, Key("mongo_config.password")] = field(default="", repr=False)
    """That user's password."""


@dataclass(frozen=True, kw_only=True)
class FileStorageSettings(Choice):
    TYPE: ClassVar[str] = "files"

    path: Path = Path("reducer/artifacts")
    """The folder of models and packages; a relative path starts at `data_dir`."""


@dataclass(frozen=True, kw_only=True)
class S3Settings(Choice):
    TYPE: ClassVar[str] = "S3"

    hostname: Annotated[str, Key("storage_config.storage_hostname")] = "localhost"
    """Host name or address of the S3 service, such as MinIO."""
    port: Annotated[Port, Key("storage_config.storage_port")] = 9000
    """Port of the service."""
    access_key: Annotated[str, Key("storage_config.storage_access_key")] = field(default="", repr=False)
    """Access key (the user name of MinIO)."""
    secret_key: Annotated[str, Key("storage_config.storage_secret_key")] = field(default="", repr=False)
    """Secret key (the password of MinIO)."""
    bucket: Annotated[str, Key("storage_config.storage_bucket")] = "fedn-models"
    """Bucket of the models."""
    context_bucket: Annotated[str, Key("storage_config.context_bucket")] = "fedn-context"
    """Bucket of the compute packages."""
    secure: Annotated[bool, Key("storage_config.storage_secure_mode")] = True
    """Whether the service is reached over TLS."""
