"""Where the reducer is, and what proves us to it.

From a join string, the settings of 2021, or what the reducer of this machine left for its own user.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from fedn.config import Member
from fedn.errors import ConfigError, FednError
from fedn.rpc.http import Http, connect
from fedn.rpc.retry import backoff
from fedn.security.join import JoinString
from fedn.security.tokens import fingerprint_of

log = logging.getLogger(__name__)

T = TypeVar("T")


def find_reducer(role: str, settings: Member) -> JoinString:
    """The join string to use.

    In this order: `join` itself; host, port and token of the 2021 settings (a token names the fingerprint of its
    network's CA); the one that a reducer of this user left in `data_dir/join`.

    Raises:
        ConfigError: None of them is there.
    """
    host, port, token = settings.discover_host, settings.discover_port, settings.token
    if settings.join:
        return JoinString.parse(settings.join)
    if host and token:
        return JoinString(host=host, port=port, fingerprint=fingerprint_of(token), token=token)
    left = settings.data_dir / "join" / role
    if left.exists():
        found = JoinString.parse(left.read_text())
        if not host or (host, port) == (found.host, found.port):
            return found
    hint = f"give --join STRING from `fedn token create --role {role}`"
    if host:
        raise ConfigError(f"no token for the reducer at {host}:{port}", hint=hint)
    raise ConfigError(f"no reducer is known: no join string was given and {left} is not there", hint=hint)


async def persist(what: str, attempt: Callable[[], T]) -> T:
    """Call `attempt` in a thread until it succeeds, saying each time why it did not and when the next try is.

    Raises:
        FednError: One that trying again can't help.
    """
    for delay in backoff(first=1.0):
        try:
            return await asyncio.to_thread(attempt)
        except FednError as error:
            if not error.retryable:
                raise
            log.warning("%s: %s; trying again in %.1f s", what, error, delay)
        await asyncio.sleep(delay)
    raise AssertionError("backoff never ends")


async def reach(join: JoinString) -> Http:
    """A session with the reducer, waiting for it as long as it takes."""
    return await persist("reaching the reducer", lambda: connect(join))
