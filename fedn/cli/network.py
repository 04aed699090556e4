"""`fedn network`, `fedn client`, `fedn combiner`: who is there."""

from __future__ import annotations

from typing import Any

import click

from fedn.api import Reducer
from fedn.cli import show
from fedn.cli.options import json_option, with_reducer

_COMBINERS: show.Columns[dict[str, Any]] = {
    "combiner": lambda one: one["name"],
    "address": lambda one: f"{one['host']}:{one['port']}",
    "state": lambda one: "draining" if one["draining"] else "connected" if one["connected"] else "out of reach",
    "clients": lambda one: f"{one['clients']} of {one['max_clients']}",
    "processor": lambda one: f"{one['processor']:.0%}",
    "memory": lambda one: show.size(one["memory_bytes"]),
}
_CLIENTS: show.Columns[dict[str, Any]] = {
    "client": lambda one: one["name"],
    "combiner": lambda one: one["combiner"],
    "since": lambda one: show.instant(one["since"]),
    "version": lambda one: one["version"] or ("2021" if one["legacy"] else ""),
    "processor": lambda one: f"{one['processor']:.0%}",
    "memory": lambda one: show.size(one["memory_bytes"]),
}


@click.group()
def network() -> None:
    """The network as a whole."""


@network.command("show")
@json_option
@with_reducer
def network_show(reducer: Reducer, as_json: bool) -> None:
    """Show the reducer, its combiners and its clients."""
    found = reducer.network()
    if as_json:
        show.print_json(found)
        return
    click.echo(f"reducer at {reducer.url}: {found['reducer']['state']}")
    if found["reducer"]["legacy_clients"]:
        places = [one["name"] for one in found["combiners"] if one["legacy_clients"]]
        click.echo(f"clients of 2021, which give no token, are let in at {', '.join(places) or 'no combiner'}")
    click.echo()
    _combiners(found["combiners"])
    click.echo()
    _clients(found["clients"])


@click.group()
def combiner() -> None:
    """The combiners."""


@combiner.command("list")
@json_option
@with_reducer
def combiner_list(reducer: Reducer, as_json: bool) -> None:
    """List the combiners and how they are."""
    _combiners(reducer.combiners(), as_json=as_json)


@click.group()
def client() -> None:
    """The clients."""


@client.command("list")
@json_option
@with_reducer
def client_list(reducer: Reducer, as_json: bool) -> None:
    """List the connected clients."""
    _clients(reducer.clients(), as_json=as_json)


def _combiners(found: list[dict[str, Any]], *, as_json: bool = False) -> None:
    show.items(found, _COMBINERS, as_json=as_json, none="no combiner has joined: `fedn run combiner` starts one")


def _clients(found: list[dict[str, Any]], *, as_json: bool = False) -> None:
    show.items(found, _CLIENTS, as_json=as_json, none="no client is connected: `fedn run client` starts one")
