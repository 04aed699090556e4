"""Whether a reducer's stores are there, let it in, and keep what is written. A reducer may be at work on them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from fedn.cli.checks import Finding, fail, ok, warn
from fedn.config import FileStorageSettings, ReducerSettings
from fedn.errors import FednError, NotFound
from fedn.reducer.identity import check_keys
from fedn.stores.opening import open_artifacts, open_state
from fedn.stores.protocols import StateStore

_STATE, _ARTIFACTS, _LEADER, _KEYS = "state store", "artifact store", "leader", "keys"
_HINT = "is it running? check the reducer's settings file: --init FILE"
_MAKE = "that can't be tried without making one: grant the key s3:CreateBucket, or make what is missing yourself"


def stores(settings: ReducerSettings) -> Iterator[Finding]:
    """Check both stores by writing, reading and removing something, who leads, and that the keys are the network's.

    Where the reducer has not been yet nothing is made.
    """
    yield from _state(settings)
    yield _artifacts(settings)


def _state(settings: ReducerSettings) -> Iterator[Finding]:
    try:
        state = open_state(settings.statestore, network_id=settings.network_id, data_dir=settings.data_dir, make=False)
    except NotFound as missing:
        yield ok(_STATE, f"{missing.message}; {missing.hint}")
        return
    except FednError as error:
        yield _failed(_STATE, error)
        return
    with closing(state):
        try:
            yield ok(_STATE, state.check())
            yield ok(_LEADER, _led(state))
        except FednError as error:
            yield _failed(_STATE, error)
            return
        yield _keys(settings, state)


def _keys(settings: ReducerSettings, state: StateStore) -> Finding:
    try:
        check_keys(settings.data_dir / "reducer", state)
    except FednError as error:
        return _failed(_KEYS, error)
    return ok(_KEYS, "nothing in the state store contradicts those of the data folder")


def _led(state: StateStore) -> str:
    leader = state.leader()
    return f"led by {leader}" if leader else "nobody leads"


def _artifacts(settings: ReducerSettings) -> Finding:
    try:
        store = open_artifacts(settings.storage, network_id=settings.network_id, data_dir=settings.data_dir, make=False)
        with closing(store):
            return ok(_ARTIFACTS, store.check())
    except NotFound as missing:
        if isinstance(settings.storage, FileStorageSettings):
            return ok(_ARTIFACTS, f"{missing.message}; {missing.hint}")
        return warn(_ARTIFACTS, f"{missing.message}; {missing.hint}", _MAKE)
    except FednError as error:
        return _failed(_ARTIFACTS, error)


def _failed(check: str, error: FednError) -> Finding:
    return fail(check, error.message, error.hint or _HINT)
