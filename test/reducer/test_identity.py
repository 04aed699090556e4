"""Whether a reducer and its stores are of one network."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from servers import mongo, network_id

from fedn.config import FileStorageSettings, ReducerSettings, SqliteSettings
from fedn.core import weights as w
from fedn.errors import ConfigError
from fedn.reducer.services import Services
from fedn.security.tokens import Role, new_signing_key, public_key
from fedn.stores.documents import Certificate, Storage
from fedn.stores.opening import open_state
from fedn.stores.protocols import Put

__all__ = ["mongo", "network_id"]


def settings(folder: Path, *, models: str = "models") -> ReducerSettings:
    storage = FileStorageSettings(path=folder.parent / models)
    return ReducerSettings(data_dir=folder, statestore=SqliteSettings(path=folder.parent / "state.db"), storage=storage)


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """The data folder of a network's first reducer; its stores are beside it."""
    w.write({"a": np.zeros(2, np.float32)}, tmp_path / "seed.npz")
    folder = tmp_path / "first"
    with closing(Services.open(settings(folder))) as services:
        services.trail.seed(tmp_path / "seed.npz")
        stored = services.state.get(Certificate, Certificate.KEY)
        assert stored is not None
        assert (stored.pem, stored.fingerprint) == (
            services.authority.certificate_pem.decode(),
            services.authority.fingerprint,
        )
    return folder


@pytest.mark.parametrize("missing", ["ca.pem", "ca.key", "signing.key"])
def test_a_reducer_without_one_of_the_keys_is_refused_and_makes_none(tmp_path: Path, first: Path, missing: str) -> None:
    second = tmp_path / "second"
    (second / "reducer").mkdir(parents=True)
    for name in {"ca.pem", "ca.key", "signing.key"} - {missing}:
        shutil.copy(first / "reducer" / name, second / "reducer")
    with pytest.raises(ConfigError, match=f"is without {missing} .*copy signing.key, ca.key and ca.pem"):
        Services.open(settings(second))
    assert not (second / "reducer" / missing).exists()
    shutil.copy(first / "reducer" / missing, second / "reducer")
    Services.open(settings(second)).close()


def test_a_reducer_with_a_ca_of_its_own_is_refused(tmp_path: Path, first: Path) -> None:
    second = ReducerSettings(data_dir=tmp_path / "second")
    Services.open(second).close()
    with pytest.raises(ConfigError, match="is not that of the network"):
        Services.open(settings(second.data_dir))


def test_storage_without_the_networks_models_is_refused(first: Path) -> None:
    with pytest.raises(ConfigError, match=r"models are in files at .*/models on .*is not in files at .*/others on"):
        Services.open(settings(first, models="others"))
    shutil.copytree(first.parent / "models", first.parent / "others", dirs_exist_ok=True)
    with closing(Services.open(settings(first, models="others"))) as services:
        stored = services.state.get(Storage, Storage.KEY)
        assert stored is not None
        assert "/others" in stored.place


def test_a_model_that_is_missing_where_it_was_is_told_and_no_obstacle(
    first: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.rmtree(first.parent / "models")
    Services.open(settings(first)).close()
    assert "is missing in" in caplog.text


@pytest.fixture(params=["SQLite", "MongoDB"])
def shared(request: pytest.FixtureRequest, tmp_path: Path, network_id: str) -> ReducerSettings:
    """The settings of a network's first reducer, which has been; its state store is one for all of them."""
    kind = SqliteSettings(path=tmp_path / "state.db")
    state = kind if request.param == "SQLite" else request.getfixturevalue("mongo")
    given = ReducerSettings(data_dir=tmp_path / "first", statestore=state, network_id=network_id)
    Services.open(given).close()
    return given


def certificate(settings: ReducerSettings) -> Certificate:
    network_id, data_dir = settings.network_id, settings.data_dir
    with closing(open_state(settings.statestore, network_id=network_id, data_dir=data_dir)) as state:
        found = state.get(Certificate, Certificate.KEY)
    assert found is not None
    return found


def forget_tokens_key(settings: ReducerSettings) -> None:
    """Have the state store as it was before it kept that key."""
    network_id, data_dir = settings.network_id, settings.data_dir
    with closing(open_state(settings.statestore, network_id=network_id, data_dir=data_dir)) as state:
        found = state.get(Certificate, Certificate.KEY)
        assert found is not None
        state.write(Put(replace(found, tokens_key="")))


def test_a_reducer_with_another_key_for_tokens_is_refused(tmp_path: Path, shared: ReducerSettings) -> None:
    key = shared.data_dir / "reducer" / "signing.key"
    assert certificate(shared).tokens_key == public_key(key.read_bytes()).decode()
    second = replace(shared, data_dir=tmp_path / "second", storage=FileStorageSettings(path=tmp_path / "models"))
    own = second.data_dir / "reducer" / "signing.key"
    shutil.copytree(shared.data_dir / "reducer", own.parent)
    own.write_bytes(new_signing_key())
    before = own.read_bytes()
    with pytest.raises(ConfigError, match=rf"{own} is not the key .*copy signing.key of the network's first .* {own}"):
        Services.open(second)
    assert own.read_bytes() == before
    shutil.copy(key, own)
    with closing(Services.open(second)) as services:
        token = services.tokens.issue(Role.VIEWER, days=1)[1]
    with closing(Services.open(shared)) as services:
        assert services.tokens.verify(token).role is Role.VIEWER


def test_a_network_that_began_before_has_its_key_filled_in(shared: ReducerSettings) -> None:
    before = certificate(shared)
    forget_tokens_key(shared)
    assert certificate(shared).tokens_key == ""
    Services.open(shared).close()
    assert certificate(shared) == before


def test_a_key_that_is_none_is_named(first: Path) -> None:
    key = first / "reducer" / "signing.key"
    key.write_bytes(b"none")
    with pytest.raises(ConfigError, match=rf"{key}: .*is not a private key.*from a backup"):
        Services.open(settings(first))
