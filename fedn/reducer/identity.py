"""What shows that a reducer, its state store and its artifact store are of one network."""

from __future__ import annotations

import logging
import socket
import time
from dataclasses import replace
from pathlib import Path

from fedn.config import FileStorageSettings, ReducerSettings
from fedn.errors import ConfigError
from fedn.reducer import control, trail
from fedn.reducer.patience import write
from fedn.security import private
from fedn.security.keyring import FILES
from fedn.security.tls import Authority
from fedn.security.tokens import new_signing_key, public_key
from fedn.stores.documents import Certificate, Storage
from fedn.stores.protocols import ArtifactStore, Insert, Put, StateStore

log = logging.getLogger(__name__)

SIGNING = "signing.key"


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
    if stored.tokens_key and _tokens_key(folder) != stored.tokens_key:
        raise ConfigError(
            f"{folder / SIGNING} is not the key that the network's tokens are signed with: none of them would be good",
            hint=f"copy {SIGNING} of the network's first reducer, or of a backup, to {folder / SIGNING}",
        )


def open_authority(folder: Path, state: StateStore) -> Authority:
    """The network's CA: made at its first start, and made known to whoever follows on the same state store.

    So is the key of its tokens. Both are in `folder` before the state store names them.

    Raises:
        ConfigError: The keys in `folder` are of another network, or missing.
    """
    check_keys(folder, state)
    authority, tokens_key = Authority.open(folder, now=time.time()), _tokens_key(folder)
    stored = state.get(Certificate, Certificate.KEY)
    if stored is None:
        pem, fingerprint = authority.certificate_pem.decode(), authority.fingerprint
        write(state, Insert(Certificate(id=Certificate.KEY, pem=pem, fingerprint=fingerprint, tokens_key=tokens_key)))
    elif not stored.tokens_key:  # the network began with a version that didn't know of it
        write(state, Put(replace(stored, tokens_key=tokens_key)))
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


def _tokens_key(folder: Path) -> str:
    """The public half of the key in `folder`, which is made where there is none."""
    try:
        return public_key(private.keep(folder / SIGNING, new_signing_key)).decode()
    except ConfigError as error:
        hint = error.hint or "restore it from a backup"
        raise ConfigError(f"{folder / SIGNING}: {error.message}", hint=hint) from error


def _storage(settings: ReducerSettings) -> Storage:
    storage = settings.storage
    if isinstance(storage, FileStorageSettings):
        place = f"{(settings.data_dir / storage.path).absolute()} on {socket.gethostname()}"
    else:
        place = f"{storage.hostname}:{storage.port}, bucket {storage.bucket}"
    return Storage(id=Storage.KEY, type=storage.TYPE, place=place)
