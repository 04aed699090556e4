"""Where a reducer keeps its state and its artifacts: embedded in the data folder, or on servers of their own.

`TYPE` is what a settings file writes under `statestore.type` and `storage.storage_type`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from fedn.config.kinds import Port, Seconds
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
    """Host name or address of the server, or several with commas between. `network_id` names the database in it."""
    port: Annotated[Port, Key("mongo_config.port")] = 27017
    """Port of the server."""
    username: Annotated[str, Key("mongo_config.username")] = ""
    """User to log in as; empty logs in as nobody."""
    password: Annotated[str, Key("mongo_config.password")] = field(default="", repr=False)
    """That user's password."""
    auth_source: Annotated[str, Key("mongo_config.auth_source")] = "admin"
    """Database that the user was made in."""
    replica_set: Annotated[str, Key("mongo_config.replica_set")] = ""
    """Name of the replica set, to find all its members by; empty speaks to `host` alone."""
    tls: Annotated[bool, Key("mongo_config.tls")] = False
    """Whether the server is reached over TLS."""
    tls_ca_file: Annotated[str, Key("mongo_config.tls_ca_file")] = ""
    """File (PEM) of the CA that signed the server's certificate; empty trusts those of this machine."""
    tls_certificate_key_file: Annotated[str, Key("mongo_config.tls_certificate_key_file")] = ""
    """File (PEM) of a certificate with its key to show to the server; empty shows none."""
    timeout: Annotated[Seconds, Key("mongo_config.timeout")] = 10.0
    """How long a server may be silent before it counts as out of reach, in seconds."""


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
    ca_file: Annotated[str, Key("storage_config.storage_ca_file")] = ""
    """File (PEM) of the CA that signed the service's certificate; empty trusts those of this machine."""
    region: Annotated[str, Key("storage_config.storage_region")] = ""
    """Region of the buckets; empty asks the service."""
    encryption: Annotated[Literal["none", "SSE-S3", "SSE-KMS"], Key("storage_config.storage_encryption")] = "none"
    """Encryption that the service is asked to store with: none, by its own key, or by a key of its key service."""
    kms_key: Annotated[str, Key("storage_config.storage_kms_key")] = ""
    """Id of the key, for SSE-KMS."""
    direct: Annotated[bool, Key("storage_config.storage_direct")] = False
    """Whether combiners may fetch models straight from the service, which they then reach under this same address."""
    timeout: Annotated[Seconds, Key("storage_config.storage_timeout")] = 10.0
    """How long the service may be silent before it counts as out of reach, in seconds."""
