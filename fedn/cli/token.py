"""`fedn token`: who may join and who may look."""

from __future__ import annotations

import time

import click

from fedn.api import Reducer
from fedn.cli import show
from fedn.cli.options import json_option, with_reducer
from fedn.stores.documents import Token

_ROLES = ("client", "combiner", "operator", "viewer")


@click.group()
def token() -> None:
    """Tokens: who may join, who may look, who may operate."""


@token.command()
@click.option("--role", type=click.Choice(_ROLES), required=True, help="What its bearer is in the network.")
@click.option("--days", type=float, help="How long it is good for.  [default: as the reducer's settings say]")
@click.option("--name", default="", help="The one name that it is good for; by default any.")
@json_option
@with_reducer
def create(reducer: Reducer, role: str, days: float | None, name: str, as_json: bool) -> None:
    """Make a token, and print the join string with it in it. It is shown this once."""
    made = reducer.create_token(role, days=days, name=name)
    if as_json:
        show.print_json(made)
    else:
        click.echo(made["join"])
        click.echo(f"token {made['id']} of the role {role}, good until {show.instant(made['expires_at'])}", err=True)
    if warning := made.get("warning"):  # a reducer of an earlier version gives none
        click.echo(f"warning: {warning}", err=True)


@token.command("list")
@json_option
@with_reducer
def list_(reducer: Reducer, as_json: bool) -> None:
    """List the tokens that were issued."""
    columns: show.Columns[Token] = {
        "token": lambda one: one.id,
        "role": lambda one: one.role,
        "name": lambda one: one.subject or "any",
        "created": lambda one: show.instant(one.created_at),
        "expires": lambda one: show.instant(one.expires_at),
        "state": _state,
    }
    show.items(reducer.tokens(), columns, as_json=as_json, none="no tokens were issued")


@token.command()
@click.argument("token_id", metavar="ID")
@json_option
@with_reducer
def revoke(reducer: Reducer, token_id: str, as_json: bool) -> None:
    """Make a token, and all that was derived from it, no good from now on."""
    revoked = reducer.revoke_token(token_id)
    if as_json:
        show.record(revoked, as_json=True)
    else:
        click.echo(f"token {revoked.id} of the role {revoked.role} is revoked")


def _state(one: Token) -> str:
    if one.revoked_at is not None:
        return "revoked"
    return "good" if time.time() < one.expires_at else "expired"
