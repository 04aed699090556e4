"""Logging: one line a message for people, or one JSON object a line; no secrets; the ids of what is going on.

Modules log through `logging.getLogger(__name__)` and know nothing of this one, but for `bind`.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timezone
from logging.handlers import WatchedFileHandler
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from fedn.errors import ConfigError

MASK = "***"
_NAMED = r"(?:password|passwd|secret|secret_key|access_key|token)"
_VALUE = r"""(?:"[^"]*"|'[^']*'|[^\s"',;&}]+)"""
_SECRETS = (
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"), MASK),  # a JWT: its header is the base64 of '{"…'
    (re.compile(r"""(\bfedn://[^/\s]+/[^/\s]+/)[^\s"']+"""), rf"\1{MASK}"),
    (re.compile(r"(://[^/\s:@]*:)[^/\s@]+@"), rf"\1{MASK}@"),
    (re.compile(rf"(authorization\W{{1,4}}(?:token|bearer|basic)\s+){_VALUE}", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(r"""([?&]X-Amz-(?:Credential|Signature|Security-Token)=)[^&\s"']+""", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(rf"""({_NAMED}["']?\s*[=:]\s*){_VALUE}""", re.IGNORECASE), rf"\1{MASK}"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_ids: ContextVar[Mapping[str, str]] = ContextVar("fedn_log_ids", default=MappingProxyType({}))
_installed: list[logging.Handler] = []


def configure(level: str, format: Literal["text", "json"], file: str = "", *, role: str) -> None:  # noqa: A002
    """Log to `file` (appended to), or to standard error where that is empty. Replaces an earlier configuration.

    FEDn's own loggers log from `level` up, those of libraries from WARNING up.

    Raises:
        ConfigError: The file can't be opened.
    """
    handler = _handler(file)
    handler.setFormatter(_JsonFormatter(role) if format == "json" else _TextFormatter(role))
    root = logging.getLogger()
    for previous in _installed:
        root.removeHandler(previous)
        previous.close()
    _installed[:] = [handler]
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("fedn").setLevel(level)


@contextmanager
def bind(**ids: object) -> Iterator[None]:
    """Put ids such as `session=`, `round=` and `client=` on every line logged inside, in this thread or task."""
    token = _ids.set({**_ids.get(), **{name: str(value) for name, value in ids.items()}})
    try:
        yield
    finally:
        _ids.reset(token)


def redact(text: str) -> str:
    """`text` with tokens, the tokens in join strings, and passwords masked."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def _handler(file: str) -> logging.Handler:
    if not file:
        return logging.StreamHandler(sys.stderr)
    try:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        return WatchedFileHandler(file, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        problem = f"the log file {file} can't be written: {error.strerror}"
        raise ConfigError(problem, hint="choose another with log_file") from error


def harmless(text: str) -> str:
    """`text` with its control characters written out, but for line breaks and tabs, so that none steers a terminal."""
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


class _TextFormatter(logging.Formatter):
    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        ids = "".join(f" {name}={value}" for name, value in _ids.get().items())
        message = redact(super().format(record) + ids)
        # Others have a hand in what is logged: none of it may pass for a line of ours or steer a terminal.
        message = harmless(message).replace("\n", "\n    ")
        return f"{_time(record)} {record.levelname:<7} {self._role}: {message}"


class _JsonFormatter(logging.Formatter):
    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        line = {
            **_ids.get(),
            "time": _time(record),
            "level": record.levelname,
            "role": self._role,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps({name: redact(value) for name, value in line.items()})


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
