from __future__ import annotations

from pathlib import Path

import pytest

from fedn.errors import ConfigError
from fedn.security import private


def test_only_the_owner_may_read(tmp_path: Path) -> None:
    file = tmp_path / "join" / "client"
    private.write(file, b"one")
    private.write(file, b"two")
    assert file.read_bytes() == b"two"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert list(file.parent.iterdir()) == [file]


def test_what_is_kept_is_made_once(tmp_path: Path) -> None:
    file = tmp_path / "key"
    assert [private.keep(file, lambda: b"first"), private.keep(file, lambda: b"second")] == [b"first", b"first"]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError, match="file/key can't be written"):
        private.write(tmp_path / "file" / "key", b"")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match="folder can't be written: Is a directory"):
        private.write(tmp_path / "folder", b"")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
