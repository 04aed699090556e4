"""Makes the Python environment of a compute package. Run as a program: `builder.py ENVIRONMENT REQUIREMENTS FEDN`.

A process of its own, so that its caller can put a limit on it, and end it, with the lock and pip and all. Several
processes may ask for one environment: the first makes it, the others wait. It is made in its place, since environments
can't be moved; the file `complete` says that it is whole, and one without it is made again.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path


def build(environment: Path, requirements: Path, fedn: Path) -> int:
    """Install `requirements` into a new environment, and link the folder `fedn` into it unless it came with them.

    Returns:
        The exit status of pip.
    """
    if find_spec("ensurepip") is None:  # some distributions split it off
        sys.exit("ERROR: this Python can't make environments, as it has no ensurepip: install python3-venv or the like")
    environment.parent.mkdir(parents=True, exist_ok=True)
    with _locked(environment, fcntl.LOCK_EX):
        if _whole(environment):
            return 0
        shutil.rmtree(environment, ignore_errors=True)
        venv.EnvBuilder(with_pip=True, symlinks=True).create(environment)
        pip = [str(environment / "bin" / "python3"), "-I", "-m", "pip", "--no-input", "--disable-pip-version-check"]
        status = subprocess.call([*pip, "install", "-r", str(requirements)])
        if status == 0:
            [packages] = environment.glob("lib/python*/site-packages")
            if not (packages / "fedn").exists():
                (packages / "fedn").symlink_to(fedn, target_is_directory=True)
            (environment / "complete").touch()
        return status


def clear(environment: Path) -> None:
    """Delete an environment that did not get whole, unless another process is about to make it again."""
    if not environment.exists() or _whole(environment):
        return
    with contextlib.suppress(BlockingIOError), _locked(environment, fcntl.LOCK_EX | fcntl.LOCK_NB):
        if not _whole(environment):
            shutil.rmtree(environment, ignore_errors=True)


def _whole(environment: Path) -> bool:
    return (environment / "complete").exists()


@contextlib.contextmanager
def _locked(environment: Path, operation: int) -> Iterator[None]:
    with environment.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, operation)
        yield


if __name__ == "__main__":
    sys.exit(build(*map(Path, sys.argv[1:])))
