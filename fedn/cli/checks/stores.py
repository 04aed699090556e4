"""Whether a reducer's stores are there, let it in, and keep what is written. A reducer may be at work on them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from fedn.cli.checks import Finding, fail, ok
from fedn.config import FileStorageSettings, ReducerSettings, SqliteSettings
from fedn.errors import FednError
from fedn.reducer.identity import check_keys
from fedn.stores.files import FileArtifactStore
from fedn.stores.opening import open_artifacts, open_state
from fedn.stores.protocols import ArtifactStore

_STATE, _ARTIFACTS = "state store", "artifact store"
_HINT = "is it running? check the reducer's settings file: --init FILE"


def stores(settings: ReducerSettings) -> Iterator[Finding]:
    """Check both stores by writing, reading and removing something, and that the keys belong to the network."""
    yield from _state(settings)
    yield _artifacts(settings)


def _state(settings: ReducerSettings) -> Iterator[Finding]:
    kind = settings.statestore
    if isinstance(kind, SqliteSettings) and not (settings.data_dir / kind.path).exists():
        yield ok(_STATE, f"{settings.data_dir / kind.path} is made at the reducer's first start")
        return
    try:
        state = open_state(kind, network_id=settings.network_id, data_dir=settings.data_dir)
    except FednError as error:
        yield _failed(_STATE, error)
        return
    with closing(state):
        try:
            yield ok(_STATE, state.check())
            check_keys(settings.data_dir / "reducer", state)
        except FednError as error:
            yield _failed(_STATE, error)
            return
    yield ok("keys", "nothing in the state store contradicts those of the data folder")


def _artifacts(settings: ReducerSettings) -> Finding:
    kind = settings.storage
    store: ArtifactStore
    try:
        if isinstance(kind, FileStorageSettings):
            folder = settings.data_dir / kind.path
            if not folder.exists():
                return ok(_ARTIFACTS, f"{folder} is made at the reducer's first start")
            store = FileArtifactStore(folder, sweep=False)
        else:
            store = open_artifacts(kind, network_id=settings.network_id, data_dir=settings.data_dir)
        with closing(store):
            return ok(_ARTIFACTS, store.check())
    except FednError as error:
        return _failed(_ARTIFACTS, error)


def _failed(check: str, error: FednError) -> Finding:
    return fail(check, error.message, error.hint or _HINT)
