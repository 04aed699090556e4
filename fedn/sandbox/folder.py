"""The data folder of a sandbox, and emptying it."""

from __future__ import annotations

import shutil
from pathlib import Path

from fedn.errors import ConfigError
from fedn.stores.lease import Lease

_OURS = {"reducer", "join", "combiner", "client", "cache", "log", "sandbox"}
_KEPT = "cache"  # packages and environments under their digests: no other federation finds anything else there


def empty(folder: Path) -> None:
    """Delete what a federation left in its data folder, its cache excepted.

    Raises:
        ConfigError: Something else is in there, too: then this is no data folder.
        Conflict: A reducer uses it.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ConfigError(f"{folder} is no folder", hint="name another with --data-dir")
    if foreign := sorted(path.name for path in folder.iterdir() if path.name not in _OURS):
        raise ConfigError(
            f"{folder} is not emptied: it holds {foreign[0]}, which is not of a federation",
            hint="name the data folder with --data-dir, or empty it yourself",
        )
    with Lease(folder / "reducer"):
        pass
    for path in folder.iterdir():
        if path.name != _KEPT:
            shutil.rmtree(path)
