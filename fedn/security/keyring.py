"""The three files that make a reducer the one of its network: the CA's certificate and key, and the key of tokens."""

from __future__ import annotations

from pathlib import Path

from fedn.errors import ConfigError, Conflict
from fedn.security import private

FILES = ("signing.key", "ca.key", "ca.pem")
"""In the order in which they are written: a certificate without its key is refused at a start."""


def check(source: Path, target: Path) -> None:
    """Whether `copy` can be done.

    Raises:
        ConfigError: A file is missing in `source`.
        Conflict: `target` has others.
    """
    for name in FILES:
        if not (source / name).is_file():
            raise ConfigError(
                f"{name} is not in {source}", hint="the data folder must be that of the network's reducer: --data-dir"
            )
        there = target / name
        if there.exists() and there.read_bytes() != (source / name).read_bytes():
            raise Conflict(
                f"{there} is of another network",
                hint=f"choose another data_dir, or move {', '.join(FILES)} out of {target}",
            )


def copy(source: Path, target: Path) -> None:
    """Copy those that `target` lacks, readable by their owner only."""
    for name in FILES:
        private.keep(target / name, (source / name).read_bytes)
