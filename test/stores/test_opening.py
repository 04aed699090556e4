"""From settings to open stores."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import pytest

from fedn.config import FileStorageSettings, MongoSettings, S3Settings, SqliteSettings
from fedn.errors import ConfigError, NotFound
from fedn.stores.files import UNFINISHED
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


def test_embedded_stores_that_are_not_there_are_not_made_for_a_look(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="first start"):
        open_state(SqliteSettings(), network_id="n", data_dir=tmp_path, make=False)
    with pytest.raises(NotFound, match="first start"):
        open_artifacts(FileStorageSettings(), network_id="n", data_dir=tmp_path, make=False)
    assert list(tmp_path.iterdir()) == []


def test_what_another_writes_just_now_is_not_swept_away_by_a_look(tmp_path: Path) -> None:
    open_artifacts(FileStorageSettings(), network_id="n", data_dir=tmp_path).put("fedn-models", "m", b"content")
    unfinished = tmp_path / FileStorageSettings().path / "fedn-models" / f"{UNFINISHED}1"
    unfinished.touch()
    open_artifacts(FileStorageSettings(), network_id="n", data_dir=tmp_path, make=False).close()
    assert unfinished.exists()
    open_artifacts(FileStorageSettings(), network_id="n", data_dir=tmp_path).close()
    assert not unfinished.exists()
