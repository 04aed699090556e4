"""Files that only their owner may read: keys and join strings."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile

from fedn.errors import ConfigError


def write(path: Path, content: bytes) -> None:
    """Write a file of mode 0600: whole, or not at all. Its folder is made with mode 0700 if there is none.

    Raises:
        ConfigError: The folder or the file can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _replace(path, content)
    except OSError as error:
        raise ConfigError(f"{path} can't be written: {error.strerror}", hint="choose another data_dir") from error


def keep(path: Path, make: Callable[[], bytes]) -> bytes:
    """The content of `path`; where there is no such file, what `make` returns, after writing it there."""
    if path.exists():
        return path.read_bytes()
    content = make()
    write(path, content)
    return content


def _replace(path: Path, content: bytes) -> None:
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:  # its mode is 0600
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except OSError:
            Path(file.name).unlink(missing_ok=True)
            raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name is durable, too
    finally:
        os.close(folder)
