"""Federations that are kept in stores, and the settings files that lead there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from loopback import Federation

from fedn.config import FileStorageSettings, MongoSettings, S3Settings, SqliteSettings
from fedn.stores.documents import Event
from fedn.stores.opening import open_state
from fedn.stores.protocols import Insert, Record, StateStore

STATE, FILES = SqliteSettings(), FileStorageSettings()


def settings_file(path: Path, *, network_id: str, mongo: MongoSettings, s3: S3Settings, **more: Any) -> Path:
    """The settings file of a reducer with both servers in it."""
    storage = {
        "storage_hostname": s3.hostname,
        "storage_port": s3.port,
        "storage_access_key": s3.access_key,
        "storage_secret_key": s3.secret_key,
        "storage_secure_mode": s3.secure,
    }
    config = {"host": mongo.host, "port": mongo.port, "timeout": mongo.timeout}
    if mongo.username:
        config |= {"username": mongo.username, "password": mongo.password, "auth_source": mongo.auth_source}
    content = {
        "network_id": network_id,
        "statestore": {"type": "MongoDB", "mongo_config": config},
        "storage": {"storage_type": "S3", "storage_config": storage},
    }
    path.write_text(yaml.safe_dump({**content, **more}))
    return path


def embedded_file(path: Path, *, network_id: str) -> Path:
    path.write_text(yaml.safe_dump({"network_id": network_id}))
    return path


@contextlib.contextmanager
def state_of(folder: Path, network_id: str, settings: Any = STATE) -> Iterator[StateStore]:
    with contextlib.closing(open_state(settings, network_id=network_id, data_dir=folder)) as state:
        yield state


def records(folder: Path, network_id: str, settings: Any = STATE) -> list[Record]:
    with state_of(folder, network_id, settings) as state:
        return list(state.dump())


def seeded(folder: Path, network_id: str, *, events: int = 0) -> None:
    """Leave an embedded federation with a seed model in `folder`, and with so many events."""

    async def seed() -> None:
        async with Federation(folder, combiners=0, network_id=network_id) as network:
            await network.seed({"a": np.zeros(3, np.float32)})

    asyncio.run(seed())
    with state_of(folder, network_id) as state:
        state.write(
            *(Insert(Event(id=str(n), at=0.0, level="info", kind="k", message="x" * 200)) for n in range(events))
        )
