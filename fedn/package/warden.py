"""Ends the process groups of a client that was killed before it could do so. Run as a program.

Its standard input is held by the client: `+GROUP` and `-GROUP`, one a line, say which groups live. When the input ends
the client is gone, and the groups that are left with it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys


def main() -> None:
    groups: set[int] = set()
    for line in sys.stdin:
        (groups.add if line.startswith("+") else groups.discard)(int(line[1:]))
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
