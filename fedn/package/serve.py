"""The process's side of warm entry points, for packages written in Python.

    fedn.serve(train=train, validate=validate)

with plain functions `train(in_path, out_path)`. This module imports the standard library alone: in a package's own
environment nothing more of FEDn is at hand. The line protocol is described in `warm`.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Entry = Callable[[str, str], Mapping[str, Any] | None]
"""Reads one file, writes another; may return `{"num_examples": int, "metrics": {name: number}}`."""
_ERROR_LENGTH = 300  # an answer fits into what a pipe takes in one piece, whatever the characters


def serve(*, train: Entry | None = None, validate: Entry | None = None, predict: Entry | None = None) -> None:
    """Take tasks until standard input ends.

    A function that raises fails its task, with the traceback in the output, and the process stays up. During a task
    its `environ` is in `os.environ`. What functions print is output; what they read from standard input is empty.
    """
    if "FEDN_WARM" not in os.environ and len(sys.argv) > 2 and Path(sys.argv[-2]).is_file():
        sys.exit(
            "this entry point is warm: it takes tasks from standard input, and not IN OUT from the command line, as "
            "clients of 2021 give them"
        )
    entries = {name: entry for name, entry in (("train", train), ("validate", validate), ("predict", predict)) if entry}
    tasks, replies = os.fdopen(os.dup(0), "rb"), os.dup(1)
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    _reply(replies, {"ready": True})
    for line in tasks:
        task = json.loads(line)
        before = dict(os.environ)
        os.environ.update(task["environ"])
        try:
            _run(entries.get(task["task"]), task["in"], task["out"])
            reply: dict[str, Any] = {"ok": True}
        except Exception as error:  # noqa: BLE001 - whatever a task does, the next one may do well
            traceback.print_exc()
            reply = {"ok": False, "error": f"{type(error).__name__}: {error}"[:_ERROR_LENGTH]}
        finally:
            os.environ.clear()
            os.environ.update(before)
        _reply(replies, {"id": task["id"], **reply})
    tasks.close()


def _run(entry: Entry | None, in_path: str, out_path: str) -> None:
    if entry is None:
        raise LookupError("fedn.serve was given no such function")
    metadata = entry(in_path, out_path)
    if metadata is not None:
        Path(f"{out_path}-metadata").write_text(json.dumps(metadata), encoding="utf-8")


def _reply(replies: int, message: Mapping[str, Any]) -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    # One write, so that it stays in one piece; the line break before it ends what was printed without one.
    os.write(replies, f"\n@fedn {json.dumps(message)}\n".encode())
