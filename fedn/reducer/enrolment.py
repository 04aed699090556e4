"""How combiners and clients become part of the network."""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass

from fedn.errors import Forbidden, InvalidInput, NameInUse, NotFound
from fedn.reducer import journal, packages
from fedn.reducer.presence import CombinerView
from fedn.reducer.services import Services
from fedn.security.tls import local_names
from fedn.security.tokens import Claims
from fedn.stores.documents import Client, Combiner, Package

log = logging.getLogger(__name__)

_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Assignment:
    """Where a client belongs, its token for there, and the package to run."""

    combiner: Combiner
    token: str
    package: Package | None


def certificate(services: Services, *, name: str, csr: str, host: str, claims: Claims) -> bytes:
    """A combiner's server certificate for `host` and `certificate_seconds`, with the CA's behind it, as PEM.

    One for a name of this machine holds for its local names, too.

    Raises:
        Forbidden: The token is for another combiner.
        InvalidInput: A name, host or request that is none.
    """
    _check(name, claims)
    names = dict.fromkeys((host, *_LOCAL)) if host in local_names() else (host,)
    lifetime = services.settings.certificate_seconds
    return services.authority.sign_request(csr.encode(), names=tuple(names), now=time.time(), lifetime=lifetime)


def register(services: Services, *, name: str, host: str, port: int, max_clients: int, claims: Claims) -> CombinerView:
    """Take a combiner into the network, or note where it is now, and dial it.

    Raises:
        Forbidden: The token is for another combiner.
        NameInUse: A combiner of that name is connected from elsewhere.
    """
    _check(name, claims)
    _refuse_double(services, name=name, host=host, port=port)
    document = Combiner(
        id=name,
        host=host,
        port=port,
        max_clients=max_clients,
        joined_at=time.time(),
        token_id=claims.token_id,
    )
    services.network.register(document)
    services.links.watch(name)
    journal.record(services, "combiner_joined", f"combiner {name} announced itself at {host}:{port}", combiner=name)
    return services.network.combiner(name)


def assign(
    services: Services, *, name: str, instance: str, preferred: str, claims: Claims, legacy: bool = False
) -> Assignment:
    """Find a place for a client.

    Args:
        instance: Other for each process; empty for a client of 2021.
        preferred: Combiner to go to, if it has room.

    Raises:
        Forbidden: The token is for another client, or clients of 2021 are not let in.
        NameInUse: Another live client holds the name.
        Unavailable: No combiner has room.
    """
    _check(name, claims)
    if legacy and not services.settings.legacy_clients:
        raise Forbidden(
            "this network lets in no clients that give no token on gRPC, as those of 2021",
            hint="use a present client, or set legacy_clients: true for reducer and combiners",
        )
    former = services.state.get(Client, name)
    combiner = services.network.place(
        name, instance=instance, preferred=preferred, token_id=claims.token_id, legacy=legacy
    )
    if legacy:
        log.info("client %s of 2021 is assigned to combiner %s, to which it gives no token", name, combiner.id)
    if legacy or (former is not None and former.legacy):
        services.links.push_policy()  # its name is all that such a client has: combiners must know whose are let in
    token = services.tokens.for_client(name, combiner=combiner.id, parent=claims.token_id, until=claims.expires_at)
    return Assignment(combiner, token, packages.active(services))


def _check(name: str, claims: Claims) -> None:
    if not (re.fullmatch(r"(?!\.)[^/\\]{1,100}", name) and name.isprintable()):
        raise InvalidInput(
            f"{name[:120]!r} is no name",
            hint="use 1 to 100 characters that can be printed, without / or \\ and not beginning with a dot",
        )
    if claims.subject not in ("", name):
        raise Forbidden(f"the token is for {claims.subject!r}, not for {name!r}")


def _refuse_double(services: Services, *, name: str, host: str, port: int) -> None:
    try:
        there = services.network.combiner(name)
    except NotFound:
        return
    if there.connected and (there.host, there.port) != (host, port):
        raise NameInUse(
            f"a combiner named {name!r} is connected already, from {there.host}:{there.port}",
            hint="give this one another name, or stop the other one",
        )
