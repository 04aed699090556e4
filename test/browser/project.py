"""A compute package that trains in milliseconds, and its seed model, as files that a person would upload."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np

from fedn.package.archive import build

_TASKS = """
    import json, os, sys
    import numpy as np

    source, target = sys.argv[1:]
    with open(os.environ["FEDN_PARAMETERS"]) as file:
        told = json.load(file)
    print(told.get("print", ""))
    if os.environ["FEDN_TASK"] == "validate":
        with open(target, "w") as file:
            json.dump({told.get("metric", "accuracy"): 0.5}, file)
    elif "print" in told:
        sys.exit(1)
    else:
        with open(target, "wb") as file:
            np.savez(file, **{name: array + 1 for name, array in np.load(source).items()})
"""


def package(folder: Path) -> Path:
    """The archive. Training adds 1 to the model; told to `print` something, it prints that and fails.

    Validation finds 0.5 of a `metric` that the session names.
    """
    code = folder / "project" / "client"
    code.mkdir(parents=True)
    entry_points = "{train: {command: python3 tasks.py}, validate: {command: python3 tasks.py}}"
    (code / "fedn.yaml").write_text(f"entry_points: {entry_points}\n")
    (code / "tasks.py").write_text(textwrap.dedent(_TASKS))
    return build(code.parent, folder / "adds-one.tgz")


def seed(folder: Path) -> Path:
    """The file of a model of three zeros."""
    file = folder / "zeros.npz"
    np.savez(file, weights=np.zeros(3, np.float32))
    return file
