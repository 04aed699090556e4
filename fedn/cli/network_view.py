"""The network as tables, and what changed in it as lines."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from fedn.cli import show
from fedn.log import harmless

Json = dict[str, Any]

NO_COMBINERS = "no combiner has joined: `fedn run combiner` starts one"
NO_CLIENTS = "no client is connected: `fedn run client` starts one"


def _state(combiner: Json) -> str:
    if not combiner["connected"]:
        return "out of reach, drained" if combiner["drained"] else "out of reach"
    if combiner["drained"]:
        return "draining" if combiner["clients"] else "drained"
    return "draining" if combiner["draining"] else "connected"


def _round_trip(one: Json) -> str:
    return f"{1000 * one['round_trip']:.1f} ms" if one["round_trip"] is not None else ""


def _last_seen(one: Json) -> str:
    if one["last_seen"] is None:
        return ""
    age = max(0.0, time.time() - one["last_seen"])  # clocks of two machines may differ
    return f"{age:.0f} s ago" if age < 120 else show.instant(one["last_seen"])


COMBINERS: show.Columns[Json] = {
    "combiner": lambda one: one["name"],
    "address": lambda one: f"{one['host']}:{one['port']}",
    "state": _state,
    "clients": lambda one: f"{one['clients']} of {one['max_clients']}",
    "processor": lambda one: f"{one['processor']:.0%}",
    "memory": lambda one: show.size(one["memory_bytes"]),
    "round trip": _round_trip,
    "last seen": _last_seen,
}
CLIENTS: show.Columns[Json] = {
    "client": lambda one: one["name"],
    "combiner": lambda one: f"{one['combiner']}, leaving" if one["leaving"] else one["combiner"],
    "since": lambda one: show.instant(one["since"]),
    "version": lambda one: one["version"] or ("2021" if one["legacy"] else ""),
    # Before the first heartbeat neither is known.
    "processor": lambda one: f"{one['processor']:.0%}" if one["memory_bytes"] else "",
    "memory": lambda one: show.size(one["memory_bytes"]) if one["memory_bytes"] else "",
    "round trip": _round_trip,
    "last seen": _last_seen,
}


def heading(network: Json, url: str) -> list[str]:
    """What there is to say of the reducer."""
    reducer = network["reducer"]
    lines = [f"reducer at {url}: {reducer['state']}"]
    if reducer["legacy_clients"]:
        places = [one["name"] for one in network["combiners"] if one["legacy_clients"]]
        lines.append(f"clients of 2021, which give no token, are let in at {', '.join(places) or 'no combiner'}")
    return [harmless(line) for line in lines]


def picture(network: Json, url: str) -> RenderableType:
    """The whole network."""
    combiners, clients = network["combiners"], network["clients"]
    return Group(
        *(Text(line) for line in heading(network, url)),
        Text(),
        show.table(combiners, COMBINERS) if combiners else Text(NO_COMBINERS),
        Text(),
        show.table(clients, CLIENTS) if clients else Text(NO_CLIENTS),
    )


def changes(former: Json, latter: Json) -> Iterator[str]:
    """What happened between two looks at the network, line by line."""
    if former["reducer"]["state"] != latter["reducer"]["state"]:
        yield f"reducer: {latter['reducer']['state']}"
    before, after = _by_name(former["combiners"]), _by_name(latter["combiners"])
    for name in sorted(before.keys() | after.keys()):
        states = [_about(found[name]) if name in found else "removed" for found in (before, after)]
        if states[0] != states[1]:
            yield f"combiner {name}: {states[1]}"
    before, after = _by_name(former["clients"]), _by_name(latter["clients"])
    for name in sorted(before.keys() | after.keys()):
        there, here = (found[name]["combiner"] if name in found else "" for found in (before, after))
        if there != here:
            yield _moved(name, there, here)


def _about(combiner: Json) -> str:
    return _state(combiner) + (f": {combiner['error']}" if combiner["error"] else "")


def _moved(client: str, there: str, here: str) -> str:
    if there and here:
        return f"client {client} went from combiner {there} to {here}"
    return f"client {client} came to combiner {here}" if here else f"client {client} left combiner {there}"


def _by_name(found: list[Json]) -> dict[str, Json]:
    return {one["name"]: one for one in found}
