"""Whether the reducer is there, is the right one, lets us in, and has what training needs."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing
from email.utils import parsedate_to_datetime

from fedn.api import Json, Reducer
from fedn.cli.checks import Finding, fail, ok, warn
from fedn.config import Member
from fedn.errors import ConfigError, FednError, Forbidden
from fedn.rpc.discovery import find_reducer
from fedn.rpc.http import Http, base_url, fetch_ca
from fedn.security.expiry import ends_soon
from fedn.security.join import JoinString
from fedn.security.tokens import Role, read

_CLOCK_SECONDS = 60.0
_DAY = 86_400.0
_CONNECT_SECONDS = 3.0
_SHOWN = 5
"""Names in one line."""


def reducer(member: Member, role: Role) -> Iterator[Finding]:
    """Check the reducer that these settings lead to; what can't be checked without the step before is left out."""
    try:
        join = find_reducer(role.value, member)
    except ConfigError as error:
        yield warn("join string", error.message, error.hint)
        return
    except FednError as error:
        yield fail("join string", error.message, error.hint)
        return
    yield ok("join string", f"for the reducer at {join.host}:{join.port}")
    try:
        http = Http(base_url(join.host, join.port), ca_pem=fetch_ca(join), token=join.token)
    except FednError as error:
        yield fail("reducer", error.message, error.hint)
        return
    with closing(http):
        yield ok("reducer", f"{http.base_url} is a FEDn reducer, with the CA that the join string names")
        try:
            yield from _connection(http)
        except FednError as error:
            yield fail("certificate", error.message, error.hint)
            return
        yield from _rights(http, join)


def _connection(http: Http) -> Iterator[Finding]:
    """The certificate, by using it, and the clocks."""
    with http.stream("/api/v1/health") as response:
        date = response.headers.get("date")
        shown = response.extensions["network_stream"].get_extra_info("ssl_object").getpeercert()
    days = (ssl.cert_time_to_seconds(shown["notAfter"]) - time.time()) / _DAY
    yield ok("certificate", f"signed by the network's CA, for this name, good for {days:.0f} more days")
    if date is None:
        return
    off = time.time() - parsedate_to_datetime(date).timestamp()
    if abs(off) > _CLOCK_SECONDS:
        hint = "set it (NTP): tokens and certificates hold by the clock"
        yield fail("clock", f"this machine's clock is {abs(off):.0f} s {'ahead' if off > 0 else 'behind'}", hint)
    else:
        yield ok("clock", "agrees with the reducer's")


def _rights(http: Http, join: JoinString) -> Iterator[Finding]:
    """The token, and, if it may look, the network."""
    there = Reducer(http)
    try:
        claims = read(join.token)
        network: Json | None = None
        if claims.role in (Role.OPERATOR, Role.VIEWER):
            network = there.network()
        else:
            _ask_what_is_forbidden(there)
    except FednError as error:
        yield fail("token", error.message, error.hint or "take a new one: `fedn token create`")
        return
    days = (claims.expires_at - time.time()) / _DAY
    text = f"of the role {claims.role.value}, good for {days:.0f} more days"
    soon = f"make a new one: `fedn token create --role {claims.role.value}`, and start what uses this one anew with it"
    yield warn("token", text, soon) if ends_soon(claims, now=time.time()) else ok("token", text)
    if network is not None:
        yield from _combiners(network["combiners"])
        yield from _steps(there)
        yield from _legacy(network)


def _ask_what_is_forbidden(there: Reducer) -> None:
    """A good token of a role that may not look is told so; a bad one is not known at all."""
    try:
        there.network()
    except Forbidden:
        return


def _combiners(found: list[Json]) -> Iterator[Finding]:
    if not found:
        yield warn("combiners", "none has joined", "start one: `fedn run combiner`")
    for one in found:
        name, address = f"combiner {one['name']}", f"{one['host']}:{one['port']}"
        if not one["connected"]:
            yield fail(name, f"the reducer has no line to it at {address}: {one['error']}", "is it running?")
            continue
        try:
            with socket.create_connection((one["host"], one["port"]), timeout=_CONNECT_SECONDS):
                yield ok(name, f"connected, {one['clients']} clients; {address} is in reach from here")
        except OSError as error:
            hint = "clients here could not work with it; does its --hostname resolve, does a firewall block the port?"
            yield warn(name, f"connected, but {address} is out of reach from here: {error}", hint)


def _steps(there: Reducer) -> Iterator[Finding]:
    packages, models = there.packages(), there.models(1)
    if packages:
        yield ok("package", f"{packages[0].name}, SHA-256 {packages[0].id[:12]}…")
    else:
        yield warn("package", "none is set", "`fedn package upload DIR`, unless all clients are plain functions")
    if models:
        yield ok("model", f"the newest is {models[0].id}")
    else:
        yield warn("model", "there is no seed model", "`fedn model seed FILE`")


def _legacy(network: Json) -> Iterator[Finding]:
    """Whether clients are let in that give no token, and which are there: what is to be switched off in the end."""
    here = [one["name"] for one in network["combiners"] if one["legacy_clients"]]
    if not network["reducer"]["legacy_clients"]:
        if here:
            text = f"{', '.join(here)} would let in clients of 2021, and the reducer does not"
            yield warn("legacy clients", text, "set legacy_clients alike for reducer and combiners")
        return
    if not here:
        text = "the reducer lets in clients of 2021, and no combiner does"
        yield warn("legacy clients", text, "set legacy_clients alike for reducer and combiners")
        return
    names = [f"{one['name']} ({one['combiner']})" for one in network["clients"] if one["legacy"]]
    who = f"{', '.join(names[:_SHOWN])}{', …' if len(names) > _SHOWN else ''}"
    yield warn(
        "legacy clients",
        f"clients of 2021, which give no token, are let in at {', '.join(here)}; "
        f"{len(names)} are connected{f': {who}' if names else ''}",
        "move them to a client of today" if names else "if none is to come, set legacy_clients to false",
    )
