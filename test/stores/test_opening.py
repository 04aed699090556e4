"""From settings to open stores."""

from __future__ import annotations

from pathlib import Path

import pytest

from fedn.config import FileStorageSettings, MongoSettings, S3Settings, SqliteSettings
from fedn.errors import ConfigError
from fedn.stores.opening import open_artifacts, open_state


def test_the_embedded_stores_lie_in_the_data_folder(tmp_path: Path) -> None:
    open_state(SqliteSettings(), data_dir=tmp_path / "data").close()
    open_artifacts(FileStorageSettings(), data_dir=tmp_path / "data").put("fedn-models", "m", b"content")
    assert (tmp_path / "data" / SqliteSettings().path).is_file()
    assert (tmp_path / "data" / FileStorageSettings().path / "fedn-models" / "m").read_bytes() == b"content"


def test_absolute_paths_lie_where_they_say(tmp_path: Path) -> None:
    open_state(SqliteSettings(path=tmp_path / "a" / "s.db"), data_dir=tmp_path / "data").close()
    open_artifacts(FileStorageSettings(path=tmp_path / "b"), data_dir=tmp_path / "data").close()
    assert sorted(found.name for found in tmp_path.iterdir()) == ["a", "b"]


def test_a_store_that_is_not_in_this_release_is_refused_with_the_setting_that_chose_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no MongoDB.*set statestore\.type to SQLite"):
        open_state(MongoSettings(), data_dir=tmp_path)
    with pytest.raises(ConfigError, match=r"no S3.*set storage\.storage_type to files"):
        open_artifacts(S3Settings(), data_dir=tmp_path)
