"""A role that another process started ends with it, however that one ended.

The starter holds the one end of a pipe and hands down the other. When reading there comes to an end, the starter is
gone: the kernel closes what a killed process held.
"""

from __future__ import annotations

import os
import signal
import threading

import click

GRACE_SECONDS = 10.0
"""How long this process may take to stop by itself."""


def follow(context: click.Context, parameter: click.Parameter, pipe: int | None) -> None:
    """End this process when the pipe with the file descriptor `pipe` does; a callback for an option."""
    if pipe is not None:
        os.set_inheritable(pipe, False)
        threading.Thread(target=_end_with, args=(pipe,), name="parent-pipe", daemon=True).start()


def _end_with(pipe: int) -> None:
    while os.read(pipe, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
