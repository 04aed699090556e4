"""What an operator should look at: what is wrong in the network or will be, and what to do about each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from fedn.core.model import ClientState
from fedn.reducer import sessions
from fedn.reducer.parts import STATE_STORE, Part, away, nearly_full, parts
from fedn.reducer.services import Services
from fedn.security.expiry import near_end
from fedn.security.tokens import Role
from fedn.stores.documents import Client, Combiner, Round, Session, Token

ROUNDS = 5
"""How many rounds back it is looked for clients that failed."""

NAMED = 5
"""How many are named at most, of those that something is said of."""

_FAILED = {state.value for state in ClientState if state.final} - {ClientState.ANSWERED.value}


@dataclass(frozen=True, kw_only=True)
class Matter:
    """One thing to look at."""

    level: Literal["warning", "error"]
    kind: str
    """Machine-readable, such as `combiner_away`."""
    message: str
    """What is wrong."""
    hint: str
    """What to do about it."""
    page: str
    """Where that is done, or seen."""


@dataclass(frozen=True)
class Survey:
    """The network at one moment."""

    parts: tuple[Part, ...]
    matters: tuple[Matter, ...]
    """Errors first."""


_error = partial(Matter, level="error")
_warning = partial(Matter, level="warning")


def survey(services: Services, *, now: float) -> Survey:
    """How every part is, and what needs attention. A store that is away is part of the answer.

    Args:
        now: Seconds since the epoch.
    """
    found = tuple(parts(services, now=now))
    matters = [*_of_parts(found), *_of_network(services)]
    if all(part.health == "ok" for part in found if part.name == STATE_STORE):
        matters += _of_session(services)
        matters += _of_tokens(services, now=now)
    return Survey(found, tuple(sorted(matters, key=lambda matter: matter.level != "error")))


def _of_parts(found: Iterable[Part]) -> Iterator[Matter]:
    for part in found:
        if part.health == "ok" or part.kind not in ("store", "certificate"):
            continue
        says = _error if part.health == "bad" else _warning
        if part.kind == "store":
            message = f"the {part.name} doesn't answer: {part.about}"
            hint = "see whether it runs; what waits for it goes on by itself once it is back"
            yield says(kind="store_away", message=message, hint=hint, page="/settings")
        elif part.name == "certificate":
            message, hint = "the reducer's certificate was not renewed in time", "its log says why; a restart renews it"
            yield says(kind="certificate_ends", message=message, hint=hint, page="/events")
        else:
            message = "the certificate of the network's authority is near its end, and the network ends with it"
            hint = "start a new network before, and have all join it"
            yield says(kind="authority_ends", message=message, hint=hint, page="/settings")


def _of_network(services: Services) -> Iterator[Matter]:
    combiners = services.network.combiners()
    for one in combiners:
        if not one.connected:
            hint = "see whether it runs and can be dialled from here; remove it if it is gone for good"
            yield _error(kind="combiner_away", message=away(one), hint=hint, page="/network")
        elif one.draining:
            message = f"combiner {one.name} takes no clients and no rounds"
            hint = "resume it when it is to work again" if one.drained else "it is going down; start it anew"
            yield _warning(kind="combiner_draining", message=message, hint=hint, page="/network")
        elif nearly_full(one):
            message = f"combiner {one.name} has {one.clients} of its {_count(one.max_clients, 'client')}"
            hint = "start another combiner, or raise its max_clients"
            yield _warning(kind="combiner_full", message=message, hint=hint, page="/access")
    if not combiners:
        message, hint = "no combiner has joined", "start one; set-up has the command"
        yield _error(kind="no_combiner", message=message, hint=hint, page="/setup")
    elif not services.network.clients():
        message, hint = "no client is connected", "start one; set-up has the command"
        yield _warning(kind="no_client", message=message, hint=hint, page="/setup")
    if services.settings.legacy_clients:
        message = "clients that give no token to combiners are let in"
        hint = "set legacy_clients: false once there are none of 2021 any more"
        yield _warning(kind="legacy_clients", message=message, hint=hint, page="/settings")


def _of_session(services: Services) -> Iterator[Matter]:
    """Of the newest: that it waits, that it failed, who failed in it."""
    for _, session in services.state.find(Session, limit=1):
        page = f"/sessions/{session.id}"
        if session.ended_at is None and (waits := sessions.progress(services, session.id)["waits"]):
            hint = "it goes on by itself once that is over; or stop it"
            yield _warning(kind="session_waits", message=f"the session waits: {waits}", hint=hint, page=page)
        if session.state == "failed":
            message = f"the last session failed after {session.rounds_done} of {_count(session.rounds, 'round')}"
            hint = "its page has its rounds, and what became of the clients; start another when that is mended"
            yield _error(kind="session_failed", message=f"{message}: {session.error}", hint=hint, page=page)
        rounds = [found for _, found in services.state.find(Round, where={"session_id": session.id}, limit=ROUNDS)]
        failed = Counter(one["client"] for found in rounds for one in found.clients if one["state"] in _FAILED)
        if failed:
            when = f"the newest {_count(len(rounds), 'round')} of the last session"
            message = f"{_count(len(failed), 'client')} failed in {when}: {_names(failed)}"
            hint = "the session's page says how each failed; a client's own log says more"
            yield _warning(kind="clients_failed", message=message, hint=hint, page=page)


def _of_tokens(services: Services, *, now: float) -> Iterator[Matter]:
    """Tokens near their end that somebody needs: the members that are connected, and the operators."""
    good = [one for _, one in services.state.find(Token) if one.revoked_at is None and now < one.expires_at]
    ending = {one.id for one in good if near_end(one.created_at, one.expires_at, now=now)}
    operators = {one.id for one in good if one.role == Role.OPERATOR.value}
    if operators <= ending:
        message = "all operators' tokens are near their end"
        hint = "make another, or start the reducer anew: it leaves one in join/operator of its data folder"
        yield _warning(kind="token_ends", message=message, hint=hint, page="/access")
    if not ending - operators:
        return
    combiners = {one.name for one in services.network.combiners() if one.connected}
    clients = {one.name for one in services.network.clients()}
    bearers = [(one.id, one.token_id) for _, one in services.state.find(Combiner) if one.id in combiners]
    yield from _ending("combiner", (name for name, token_id in bearers if token_id in ending))
    bearers = [(one.id, one.token_id) for _, one in services.state.find(Client) if one.id in clients]
    yield from _ending("client", (name for name, token_id in bearers if token_id in ending))


def _ending(role: str, members: Iterable[str]) -> Iterator[Matter]:
    if names := list(members):
        message = f"the tokens of {_count(len(names), f'connected {role}')} are near their end: {_names(names)}"
        hint = "make others in time, for them to be started with"
        yield _warning(kind="token_ends", message=message, hint=hint, page="/access")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _names(names: Iterable[str]) -> str:
    found = sorted(names)
    more = len(found) - NAMED
    return ", ".join(found[:NAMED]) + (f" and {more} more" if more > 0 else "")
