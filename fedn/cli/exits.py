"""What a command ends with: one exit status for each kind of error. `docs/cli.md` lists them."""

from __future__ import annotations

from collections.abc import Mapping

OK = 0
FAILED = 1
"""A fault of FEDn itself, or a check of `fedn doctor` that failed."""
USAGE = 2
"""The command line is not one of this program."""
INTERRUPTED = 130
"""Ctrl-C, as shells have it."""
TERMINATED = 143
"""SIGTERM, as shells have it."""

BY_CODE: Mapping[str, int] = {
    "internal": FAILED,
    "invalid_input": 3,
    "invalid_settings": 3,
    "invalid_model": 3,
    "invalid_update": 3,
    "invalid_package": 3,
    "too_large": 3,
    "unauthenticated": 4,
    "forbidden": 5,
    "not_found": 6,
    "conflict": 7,
    "name_in_use": 7,
    "session_running": 7,
    "stale_revision": 7,
    "not_ready": 8,
    "unavailable": 9,
    "wrong_service": 10,
    "deadline_exceeded": 11,
    "corrupt": 12,
    "entry_point_failed": 13,
    "training_failed": 14,
}
"""By the code of the error."""
