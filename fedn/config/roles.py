"""What each role can be told, as typed settings.

The text under a field says what it is for. How it is written in a settings file, the environment and on the command
line follows from the field: see `fedn.config.schema`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from fedn.config.kinds import Count, Interval, Name, NetworkId, Port, PortOrNone, Seconds, Size
from fedn.config.schema import Key, Section
from fedn.config.stores import FileStorageSettings, MongoSettings, S3Settings, SqliteSettings

MIB = 2**20
GIB = 2**30


@dataclass(frozen=True, kw_only=True)
class Settings(Section):
    """What all roles have in common."""

    network_id: NetworkId = "fedn-network"
    """Name of the federation; also of its database."""
    data_dir: Path = Path("fedn-data")
    """Folder of everything that has to outlive the process."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The least severe messages that are logged."""
    log_format: Literal["text", "json"] = "text"
    """Lines for people, or one JSON object a line."""
    log_file: str = ""
    """File that log lines are appended to; empty logs to standard error."""


@dataclass(frozen=True, kw_only=True)
class ReducerSettings(Settings):
    """Settings of a reducer."""

    host: str = "0.0.0.0"  # noqa: S104  the reducer is what others dial
    """Address to listen on."""
    port: Port = 8090
    """Port to listen on; 0 takes any free one."""
    names: tuple[str, ...] = ()
    """Further host names and IP addresses under which the reducer is reached, for its certificate."""
    token: str = field(default="", repr=False)
    """Accepted for the flags of 2021; the reducer makes its tokens itself."""
    state: Annotated[str, Key("control.state")] = "idle"
    """Accepted for the settings files of 2021; the state follows from what is stored."""
    helper: Annotated[str, Key("control.helper")] = ""
    """Helper of the compute package, such as keras, where the package names none."""
    statestore: SqliteSettings | MongoSettings = field(default_factory=SqliteSettings)
    """Where state is kept."""
    storage: Annotated[FileStorageSettings | S3Settings, Key("storage", chosen_by="storage_type")] = field(
        default_factory=FileStorageSettings
    )
    """Where models and packages are kept."""
    placement: Literal["least-packed", "first-available"] = "least-packed"
    """Which combiner a new client goes to: the one with most room, or the first by name that has any."""
    legacy_clients: bool = False
    """Whether clients that give no token on gRPC, as those of 2021, are let in."""
    client_token_days: Count = 30
    """How long the join token of clients is good for, in days."""
    combiner_token_days: Count = 365
    """How long the join token of combiners is good for, in days."""
    operator_token_days: Count = 365
    """How long the first operator's token is good for, in days."""
    certificate_seconds: Seconds = 90 * 86_400.0
    """How long certificates of the reducer and its combiners are good for; they are renewed in time."""
    standby: bool = False
    """Whether to wait, where another reducer leads the network, and to take over from it when it is gone."""
    monitor_seconds: Interval = 10.0
    """How often memory and processor of the reducer and its combiners are noted, in seconds; 0 for never."""
    geoip_database: str = ""
    """File in MaxMind's format (.mmdb) that tells where addresses are, for a map of the network; empty shows none."""
    max_package_bytes: Size = GIB
    """Largest compute package that may be uploaded."""
    max_model_bytes: Size = 16 * GIB
    """Largest model that may be uploaded."""


@dataclass(frozen=True, kw_only=True)
class Member(Settings):
    """What combiners and clients need to find their reducer. Without any of it, a join string in `data_dir` is used."""

    discover_host: Annotated[str, Key("controller.discover_host")] = ""
    """Host name or address of the reducer."""
    discover_port: Annotated[Port, Key("controller.discover_port")] = 8090
    """Port of the reducer."""
    token: Annotated[str, Key("controller.token")] = field(default="", repr=False)
    """Token for the reducer."""
    join: str = field(default="", repr=False)
    """Join string: the reducer's address, its CA's fingerprint and a token in one, in place of the three above."""
    verify_cert: bool = True
    """Accepted for the flags of 2021; the reducer's certificate is always verified."""
    preshared_cert: str = ""
    """Accepted for the flags of 2021; the token says which CA to trust."""


@dataclass(frozen=True, kw_only=True)
class CombinerSettings(Member):
    """Settings of a combiner."""

    name: Annotated[Name, Key("combiner.name")] = "combiner"
    """Name of this combiner in the network."""
    host: Annotated[str, Key("combiner.host")] = ""
    """Host name or address that clients are told to dial; empty advertises this machine's own name."""
    bind: str = "0.0.0.0"  # noqa: S104  clients dial in from elsewhere
    """Address to listen on."""
    port: Annotated[Port, Key("combiner.port")] = 12080
    """Port to listen on; 0 takes any free one."""
    max_clients: Annotated[Count, Key("combiner.max_clients")] = 10_000
    """How many clients may be assigned here."""
    secure: bool = True
    """Accepted for the flags of 2021; everything goes over TLS."""
    legacy_clients: bool = False
    """Whether clients that give no token on gRPC, as those of 2021, are let in."""
    heartbeat_seconds: Seconds = 20.0
    """How often a client says that it lives."""
    rejoin_seconds: Seconds = 10.0
    """How long a client that lost its connection in a round may take to come back before it counts as lost."""
    inline_bytes: Size = MIB
    """Models and updates up to this size travel inside the messages about them."""
    spool_bytes: Size = 64 * GIB
    """Most disk space that models and updates in transit may take."""


@dataclass(frozen=True, kw_only=True)
class ClientSettings(Member):
    """Settings of a client."""

    name: Name = ""
    """Name of this client in the network; empty lets the client choose one."""
    checksum: Annotated[str, Key("controller.checksum")] = ""
    """Digest (SHA-256 or MD5, in hex) that the compute package must have; empty runs whatever the reducer has."""
    preferred_combiner: str = ""
    """Combiner to be assigned to, if it has room."""
    data: str = ""
    """Folder that the compute package finds as `../data`."""
    environments: str = ""
    """Folder of the Python environments of compute packages, for clients to share; empty keeps them in `data_dir`."""
    remote: bool = True
    """Whether the compute package comes from the reducer; if not, it is `client/` in the working directory."""
    dry_run: bool = False
    """Whether to do only what comes before the first task: an assignment, the package and its environment."""
    secure: bool = True
    """Accepted for the flags of 2021; everything goes over TLS."""
    task_seconds: Seconds = 3600.0
    """How long an entry point may take, where the package doesn't say."""
    status_port: PortOrNone = None
    """Port of a page on 127.0.0.1 that shows state, round and log; 0 takes any free one, none shows no page."""
