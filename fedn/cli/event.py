"""`fedn event`: what happened in the network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click

from fedn.api import Reducer
from fedn.cli import show
from fedn.cli.options import json_option, with_reducer
from fedn.errors import Unavailable
from fedn.log import harmless
from fedn.reducer.events import Wanted
from fedn.stores.documents import Event

_LEVELS = ("info", "warning", "error", "audit")


@click.group()
def event() -> None:
    """Events: what happened in the network."""


@event.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many of the newest.")
@click.option("--level", type=click.Choice(_LEVELS), help="Only those of this level.")
@click.option("--kind", help="Only those of this kind, such as round_finished.")
@click.option("--source", help="Only those that this part of the network had.")
@click.option("--session", "session_id", metavar="ID", help="Only those of this session.")
@click.option("--since", type=click.DateTime(), help="Only those from then on, in this machine's time zone.")
@click.option("--until", type=click.DateTime(), help="Only those before then.")
@click.option("--text", help="Only those with this in their message, in capital letters or not.")
@click.option(
    "--follow", is_flag=True, help="Print them oldest first, and go on as they come. With --json, one a line."
)
@json_option
@with_reducer
def list_(
    reducer: Reducer,
    *,
    limit: int,
    level: str | None,
    kind: str | None,
    source: str | None,
    session_id: str | None,
    since: datetime | None,
    until: datetime | None,
    text: str | None,
    follow: bool,
    as_json: bool,
) -> None:
    """List the newest events."""
    fields = {"level": level, "kind": kind, "source": source, "session_id": session_id}
    wanted = Wanted(
        where={name: value for name, value in fields.items() if value is not None},
        since=since.timestamp() if since else None,
        until=until.timestamp() if until else None,
        text=text or "",
    )
    if follow:
        for one in _as_they_come(reducer, wanted, limit):
            click.echo(json.dumps(one.to_body()) if as_json else harmless(_line(one)))
        raise Unavailable("the reducer ended the watch", hint="has it been stopped? `fedn doctor` looks")
    columns: show.Columns[Event] = {
        "time": lambda one: show.instant(one.at),
        "level": lambda one: one.level,
        "kind": lambda one: one.kind,
        "source": lambda one: one.source,
        "message": lambda one: one.message,
    }
    show.items(_stored(reducer, wanted, limit), columns, as_json=as_json, none="there are no such events")


def _as_they_come(reducer: Reducer, wanted: Wanted, limit: int) -> Iterator[Event]:
    """The newest events, oldest first, then every new one."""
    news = reducer.watch()
    stored = _stored(reducer, wanted, limit)[::-1]
    yield from stored
    known = {one.id for one in stored}
    for kind, data in news:
        if kind == "event" and (one := Event.from_body(data)).id not in known and wanted.matches(one):
            yield one


def _stored(reducer: Reducer, wanted: Wanted, limit: int) -> list[Event]:
    fields: dict[str, Any] = dict(wanted.where)
    return reducer.events(limit, **fields, since=wanted.since, until=wanted.until, text=wanted.text or None)


def _line(one: Event) -> str:
    return f"{show.instant(one.at)}  {one.level:7}  {one.source}  {one.message}"
