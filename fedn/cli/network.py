"""`fedn network`, `fedn client`, `fedn combiner`: who is there, and who goes where."""

from __future__ import annotations

import json

import click

from fedn.api import Reducer
from fedn.cli import network_live, show
from fedn.cli.network_view import CLIENTS, COMBINERS, NO_CLIENTS, NO_COMBINERS, Json, picture
from fedn.cli.options import json_option, with_reducer
from fedn.log import harmless


@click.group()
def network() -> None:
    """The network as a whole."""


@network.command("show")
@click.option("--watch", is_flag=True, help="Go on showing it as it changes, until Ctrl-C.")
@json_option
@with_reducer
def network_show(reducer: Reducer, watch: bool, as_json: bool) -> None:
    """Show the reducer, its combiners and its clients. With --watch and --json, a line of JSON for each change."""
    if watch and as_json:
        for kind, data in network_live.looks(reducer):
            click.echo(json.dumps({"kind": kind, "data": data}))
    elif watch:
        network_live.follow(network_live.looks(reducer), show.console(), url=reducer.url)
    elif as_json:
        show.print_json(reducer.network())
    else:
        show.console().print(picture(reducer.network(), reducer.url))


@click.group()
def combiner() -> None:
    """The combiners."""


@combiner.command("list")
@json_option
@with_reducer
def combiner_list(reducer: Reducer, as_json: bool) -> None:
    """List the combiners and how they are."""
    show.items(reducer.combiners(), COMBINERS, as_json=as_json, none=NO_COMBINERS)


@combiner.command()
@click.argument("name")
@json_option
@with_reducer
def drain(reducer: Reducer, name: str, as_json: bool) -> None:
    """Have a combiner without clients and rounds, until it is resumed; its clients go to others."""
    found = reducer.drain_combiner(name)
    left = f"{found['clients']} clients go to others once they have delivered" if found["clients"] else "no clients"
    _say(found, f"combiner {name} is drained: {left}", as_json=as_json)


@combiner.command()
@click.argument("name")
@json_option
@with_reducer
def resume(reducer: Reducer, name: str, as_json: bool) -> None:
    """Have a drained combiner take clients and rounds again."""
    _say(reducer.resume_combiner(name), f"combiner {name} takes clients again", as_json=as_json)


@combiner.command("remove")
@click.argument("name")
@json_option
@with_reducer
def combiner_remove(reducer: Reducer, name: str, as_json: bool) -> None:
    """Forget a combiner that is out of reach, or drained and without clients."""
    _say(reducer.remove_combiner(name), f"combiner {name} is removed", as_json=as_json)


@click.group()
def client() -> None:
    """The clients."""


@client.command("list")
@json_option
@with_reducer
def client_list(reducer: Reducer, as_json: bool) -> None:
    """List the connected clients."""
    show.items(reducer.clients(), CLIENTS, as_json=as_json, none=NO_CLIENTS)


@client.command("remove")
@click.argument("name")
@click.option("--revoke", is_flag=True, help="Revoke its token, too, which must be for its name alone.")
@json_option
@with_reducer
def client_remove(reducer: Reducer, name: str, revoke: bool, as_json: bool) -> None:
    """Cut a client off. While its token is good it may come back."""
    found = reducer.remove_client(name, revoke=revoke)
    token = f", and its token {found['revoked_token']} is revoked" if found["revoked_token"] else ""
    _say(found, f"client {name} is removed{token}", as_json=as_json)


@client.command()
@click.argument("name")
@click.option("--combiner", required=True, metavar="NAME", help="Where it is to go.")
@json_option
@with_reducer
def reassign(reducer: Reducer, name: str, combiner: str, as_json: bool) -> None:
    """Have a client go to another combiner, once it has delivered what it is at."""
    found = reducer.reassign_client(name, combiner)
    _say(found, f"client {name} goes from combiner {found['combiner']} to {combiner}", as_json=as_json)


def _say(found: Json, text: str, *, as_json: bool) -> None:
    if as_json:
        show.print_json(found)
    else:
        click.echo(harmless(text))
