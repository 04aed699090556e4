"""Whether a reducer and its stores are of one network."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from fedn.config import FileStorageSettings, ReducerSettings, SqliteSettings
from fedn.core import weights as w
from fedn.errors import ConfigError
from fedn.reducer.services import Services
from fedn.stores.documents import Certificate, Storage


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
