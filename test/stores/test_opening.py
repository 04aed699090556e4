"""From settings to open stores."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import pytest

from fedn.config import FileStorageSettings, MongoSettings, S3Settings, SqliteSettings
from fedn.errors import ConfigError
from fedn.stores.opening import open_artifacts, open_state


def test_the_embedded_stores_lie_in_the_data_folder(tmp_path: Path) -> None:
    open_state(SqliteSettings(), network_id="n", data_dir=tmp_path / "data").close()
    open_artifacts(FileStorageSettings(), network_id="n", data_dir=tmp_path / "data").put(
        "fedn-models", "m", b"content"
    )
    assert (tmp_path / "data" / SqliteSettings().path).is_file()
    assert (tmp_path / "data" / FileStorageSettings().path / "fedn-models" / "m").read_bytes() == b"content"


def test_absolute_paths_lie_where_they_say(tmp_path: Path) -> None:
    open_state(SqliteSettings(path=tmp_path / "a" / "s.db"), network_id="n", data_dir=tmp_path / "data").close()
    open_artifacts(FileStorageSettings(path=tmp_path / "b"), network_id="n", data_dir=tmp_path / "data").close()
    assert sorted(found.name for found in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.parametrize(("driver", "setting"), [("pymongo", "statestore.type"), ("minio", "storage.storage_type")])
def test_a_store_without_its_driver_is_refused_with_what_to_install(
    tmp_path: Path, driver: str, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith((driver, "fedn.stores.mongo", "fedn.stores.s3"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(ConfigError, match=rf"{setting}.*needs {driver}.*fedn\[server\]"):
        if driver == "pymongo":
            open_state(MongoSettings(), network_id="n", data_dir=tmp_path)
        else:
            open_artifacts(S3Settings(), network_id="n", data_dir=tmp_path)


def test_servers_are_opened_by_their_settings(
    tmp_path: Path, mongo: MongoSettings, s3: S3Settings, network_id: str
) -> None:
    with closing(open_state(mongo, network_id=network_id, data_dir=tmp_path)) as state:
        assert state.check().startswith("MongoDB")
    with closing(open_artifacts(s3, network_id=network_id, data_dir=tmp_path)) as artifacts:
        assert artifacts.check().startswith("S3 service")
    assert list(tmp_path.iterdir()) == []
