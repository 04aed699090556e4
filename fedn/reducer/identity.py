"""What shows that a reducer, its state store and its artifact store are of one network."""

from __future__ import annotations

import logging
import socket
import time
from pathlib import Path

from fedn.config import FileStorageSettings, ReducerSettings
from fedn.errors import ConfigError
from fedn.reducer import control, trail
from fedn.reducer.patience import write
from fedn.security.keyring import FILES
from fedn.security.tls import Authority
from fedn.stores.documents import Certificate, Storage
from fedn.stores.protocols import ArtifactStore, Insert, Put, StateStore

log = logging.getLogger(__name__)


def check_keys(folder: Path, state: StateStore) -> None:
    """That the keys in `folder` are those of the network in `state`, if there is one yet. Nothing is written.

    Raises:
        ConfigError: They are of another network, or missing.
    """
    stored = state.get(Certificate, Certificate.KEY)
    if stored is None:
        return
    hint = f"copy {', '.join(FILES[:-1])} and {FILES[-1]} of the network's first reducer into {folder}"
    missing = [name for name in FILES if not (folder / name).exists()]
    if missing:
        raise ConfigError(
            f"the network in the state store has keys already, and {folder} is without {', '.join(missing)}", hint=hint
        )
    found = Authority.open(folder, now=time.time()).fingerprint
    if found != stored.fingerprint:
        raise ConfigError(
            f"the CA in {folder} ({found[:16]}…) is not that of the network in the state store "
            f"({stored.fingerprint[:16]}…)",
            hint=f"{hint}; or, for a network of its own, give this reducer another network_id",
        )


def open_authority(folder: Path, state: StateStore) -> Authority:
    """The network's CA: made at its first start, and made known to whoever follows on the same state store.

    Raises:
        ConfigError: The keys in `folder` are of another network, or missing.
    """
    check_keys(folder, state)
    authority = Authority.open(folder, now=time.time())
    if state.get(Certificate, Certificate.KEY) is None:
        pem = authority.certificate_pem.decode()
        write(state, Insert(Certificate(id=Certificate.KEY, pem=pem, fingerprint=authority.fingerprint)))
    return authority


def check_models(settings: ReducerSettings, state: StateStore, artifacts: ArtifactStore) -> None:
    """That the network's models are in `artifacts`; then write down where that is.

    Raises:
        ConfigError: They were kept elsewhere, and the newest isn't here.
    """
    here = _storage(settings)
    before = state.get(Storage, Storage.KEY)
    newest = control.read(state).latest_model
    if newest and artifacts.size(trail.BUCKET, newest) is None:
        if before != here:
            there = f"{before.type} at {before.place}" if before else "another storage"
            raise ConfigError(
                f"the network's models are in {there}; the newest, {newest}, is not in {here.type} at {here.place}",
                hint="set storage to where they are, or move them with `fedn store migrate`",
            )
        log.error(
            "the newest model, %s, is missing in %s at %s; restore it, or seed anew", newest, here.type, here.place
        )
    if before != here:
        state.write(Put(here))


def _storage(settings: ReducerSettings) -> Storage:
    storage = settings.storage
    if isinstance(storage, FileStorageSettings):
        place = f"{(settings.data_dir / storage.path).absolute()} on {socket.gethostname()}"
    else:
        place = f"{storage.hostname}:{storage.port}, bucket {storage.bucket}"
    return Storage(id=Storage.KEY, type=storage.TYPE, place=place)
