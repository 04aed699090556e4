"""What an operator does with the combiners and clients of the network."""

from __future__ import annotations

from dataclasses import dataclass

from fedn.errors import Conflict, FednError, NotFound
from fedn.reducer import journal
from fedn.reducer.presence import CombinerView
from fedn.reducer.services import Services
from fedn.stores.documents import Client, Token
from fedn.stores.protocols import Delete

REMOVED = "the operator removed this client"


@dataclass(frozen=True)
class RemovedClient:
    """A client that was removed."""

    name: str
    combiner: str
    """Where it was connected; empty when it was not."""
    revoked_token: str = ""
    """Id of the token that was revoked with it; empty when none was."""


@dataclass(frozen=True)
class Move:
    """A client on its way to another combiner, which it leaves for once it has delivered what it is at."""

    name: str
    combiner: str
    """Where it is."""
    target: str
    """Where it is to go."""


def drain(services: Services, name: str) -> CombinerView:
    """Have a combiner without clients and rounds from now on, also after a restart; NotFound."""
    view = _set_drained(services, name, drained=True)
    journal.record(services, "combiner_drained", f"combiner {name} is to be without clients", combiner=name)
    return view


def resume(services: Services, name: str) -> CombinerView:
    """Undo `drain`; NotFound."""
    view = _set_drained(services, name, drained=False)
    journal.record(services, "combiner_resumed", f"combiner {name} takes clients again", combiner=name)
    return view


def _set_drained(services: Services, name: str, *, drained: bool) -> CombinerView:
    view = services.network.set_drained(name, drained)
    services.links.push_policy(name)
    return view


def remove_combiner(services: Services, name: str) -> CombinerView:
    """Forget a combiner that is out of reach, or drained. It may join again with a good token.

    Raises:
        NotFound: No such combiner.
        Conflict: It has a part in the network still.
    """
    view = services.network.remove(name)
    services.links.give_up(name)
    journal.record(services, "combiner_removed", f"combiner {name} was removed", combiner=name)
    return view


def remove_client(services: Services, name: str, *, revoke: bool) -> RemovedClient:
    """Have a client cut off and its assignment forgotten.

    Args:
        revoke: Whether the token that it came with is revoked, too. Without that it may come back.

    Raises:
        NotFound: No such client.
        Conflict: The token to be revoked is not this client's alone.
        Unavailable: Its combiner is out of reach.
    """
    known = services.state.get(Client, name)
    connected = {client.name: client for client in services.network.clients()}.get(name)
    if known is None and connected is None:
        raise NotFound(f"no client {name!r}", hint="`fedn client list` shows the connected ones")
    token_id = _own_token(services, known, name) if revoke else ""
    if token_id:
        services.tokens.revoke(token_id)
    services.state.write(Delete(Client, name))
    services.network.forget_client(name)
    combiner = connected.combiner if connected is not None else ""
    if combiner:
        try:
            services.links.get(combiner).remove(name, REMOVED)
        except NotFound:
            combiner = ""  # it has gone by itself
    if token_id or (known is not None and known.legacy):
        services.links.push_policy()  # a client of 2021 is let in by its name alone, which combiners are told
    what = f"client {name} was removed{' and its token revoked' if token_id else ''}"
    journal.record(services, "client_removed", what, client=name, combiner=combiner, token_id=token_id)
    return RemovedClient(name, combiner, token_id)


def _own_token(services: Services, client: Client | None, name: str) -> str:
    """Id of the token that a client came with, which is good for its name alone.

    Raises:
        Conflict: There is none such.
    """
    token = services.state.get(Token, client.token_id) if client is not None and client.token_id else None
    if token is None:
        raise Conflict(f"it is not known which token client {name} came with", hint="see `fedn token list`")
    if token.subject != name:
        raise Conflict(
            f"client {name} came with a token that is good for any name",
            hint=f"all who use it are cut off by `fedn token revoke {token.id}`; "
            f"`fedn token create --role client --name {name}` makes one that is for this client alone",
        )
    return token.id


def reassign(services: Services, name: str, *, combiner: str) -> Move:
    """Have a client go to another combiner, once it has delivered what it is at.

    Raises:
        NotFound: No such client is connected, or there is no such combiner.
        Conflict: It can't move, or not there.
        Unavailable: A combiner is out of reach, or the other one is full.
    """
    at, target = services.network.move(name, combiner)
    try:
        services.links.get(at).reassign(name, target)
    except FednError:
        services.network.forget_client(name)
        raise
    what = f"client {name} is to go from combiner {at} to {combiner}"
    journal.record(services, "client_reassigned", what, client=name, combiner=at, target=combiner)
    return Move(name, at, combiner)
