"""`fedn session`: training."""

from __future__ import annotations

import json
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

import click

from fedn.api import Reducer
from fedn.cli import show
from fedn.cli.failures import printed
from fedn.cli.live import follow, outcome
from fedn.cli.options import json_option, parameters_option, with_reducer
from fedn.cli.progress import Progress
from fedn.cli.redial import GIVE_UP_SECONDS, Notices, redialled
from fedn.stores.documents import Session

give_up_option = click.option(
    "--give-up-after",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    default=GIVE_UP_SECONDS,
    show_default=True,
    help="How long the reducer may be away while it is watched.",
)


@click.group()
def session() -> None:
    """Sessions: train the model for some rounds."""


@session.command()
@click.option("--rounds", type=click.IntRange(min=1), default=10, show_default=True, help="Global rounds to train.")
@click.option("--round-timeout", type=float, metavar="SECONDS", help="How long a round may take.  [default: 180]")
@click.option("--clients-required", type=int, metavar="N", help="Fewest updates a round counts with.  [default: 1]")
@click.option("--clients-requested", type=int, metavar="N", help="Clients to ask a round; 0 asks all.  [default: 0]")
@click.option("--fraction", type=float, help="Share of the live clients to ask, where N is 0.  [default: 1]")
@click.option("--seed", type=int, metavar="NUMBER", help="Makes the choice of clients repeatable.")
@click.option("--validate/--no-validate", default=None, help="Have the clients validate each model.  [default: yes]")
@click.option("--reproducible", is_flag=True, default=None, help="The same updates give the same model, bit for bit.")
@click.option("--strategy", help="How updates become a model.  [default: fedavg]")
@click.option("--attempts", type=int, metavar="N", help="How often a round is tried.  [default: 2]")
@click.option("--start-model", metavar="ID", help="Model to start from.  [default: the newest]")
@parameters_option
@click.option("--watch", is_flag=True, help="Follow the session to its end.")
@give_up_option
@json_option
@with_reducer
def start(reducer: Reducer, watch: bool, give_up_after: float, as_json: bool, **options: Any) -> None:
    """Start a session. VALUE of a parameter is read as JSON where it is that, and as text elsewhere."""
    started = reducer.start_session(**options)
    if watch:
        started = follow(_notices(reducer, started.id, give_up_after), show.console(stderr=as_json))
    _print(started, as_json=as_json)


@session.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many of the newest.")
@json_option
@with_reducer
def list_(reducer: Reducer, limit: int, as_json: bool) -> None:
    """List the newest sessions."""
    columns: show.Columns[Session] = {
        "session": lambda one: one.id,
        "state": lambda one: one.state,
        "rounds": lambda one: f"{one.rounds_done} of {one.rounds}",
        "started": lambda one: show.instant(one.started_at),
        "ended": lambda one: show.instant(one.ended_at),
        "error": lambda one: one.error,
    }
    show.items(reducer.sessions(limit), columns, as_json=as_json, none="no sessions yet: `fedn session start`")


@session.command("show")
@click.argument("session_id", metavar="ID")
@json_option
@with_reducer
def show_(reducer: Reducer, session_id: str, as_json: bool) -> None:
    """Show a session and its rounds, and what clients printed that failed."""
    found, rounds = reducer.session(session_id), reducer.rounds(session_id)
    if as_json:
        show.print_json({**found.to_body(), "round_list": [one.to_body() for one in rounds]})
        return
    show.record(found, as_json=False)
    click.echo()
    columns: show.Columns[Any] = {
        "round": lambda one: one.number,
        "attempt": lambda one: one.attempt,
        "task": lambda one: one.kind,
        "state": lambda one: one.state,
        "answers": lambda one: sum(combiner["answered"] for combiner in one.combiners),
        "seconds": lambda one: f"{one.seconds.get('total', 0):.2f}",
        "error": lambda one: one.error,
    }
    show.items(rounds, columns, as_json=False, none="no rounds yet")
    for line in printed(reducer, session_id):
        click.echo(line)


@session.command()
@click.argument("session_id", metavar="ID")
@give_up_option
@json_option
@with_reducer
def watch(reducer: Reducer, session_id: str, give_up_after: float, as_json: bool) -> None:
    """Follow a session to its end. With --json, a line of JSON for each thing that happens.

    A reducer that goes away meanwhile is dialled anew; the watch goes on with how the session stands then.
    """
    notices = _notices(reducer, session_id, give_up_after)
    if not as_json:
        _print(follow(notices, show.console()), as_json=False)
        return
    progress = Progress()
    for kind, data in notices:
        click.echo(json.dumps({"kind": kind, "data": data}))
        progress.take(kind, data)
    outcome(progress)


@session.command()
@click.argument("session_id", metavar="ID")
@json_option
@with_reducer
def stop(reducer: Reducer, session_id: str, as_json: bool) -> None:
    """Have a session end."""
    _print(reducer.stop_session(session_id), as_json=as_json)


@session.command()
@click.argument("session_ids", metavar="ID...", nargs=-1, required=True)
@json_option
@with_reducer
def compare(reducer: Reducer, session_ids: tuple[str, ...], as_json: bool) -> None:
    """Show sessions side by side: the settings that differ, seconds a round, and each metric: last, and at its best."""
    found = reducer.compare_sessions(*session_ids)
    if as_json:
        show.print_json(found)
        return
    rows: dict[str, list[str]] = {}
    for index, one in enumerate(found):
        for name, value in _compared(one):
            rows.setdefault(name, [""] * len(found))[index] = value
    headings = ["", *(one["session_id"] for one in found)]
    columns: show.Columns[list[str]] = {name: itemgetter(index) for index, name in enumerate(headings)}
    show.items([[name, *values] for name, values in rows.items()], columns, as_json=False, none="")


def _compared(one: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "state", one["state"]
    yield "rounds done", str(one["rounds_done"])
    for name, value in one["settings"].items():
        yield name.replace("_", " "), value if isinstance(value, str) else json.dumps(value)
    for name, seconds in (one["seconds"] or {}).items():
        yield f"seconds a round, {name}", f"{seconds:.2f}"
    for name, metric in one["metrics"].items():
        yield f"{name}, last", f"{metric['final']:.4f}"
        yield f"{name}, best", f"{metric['best']:.4f} (round {metric['best_round']})"


def _notices(reducer: Reducer, session_id: str, give_up_after: float) -> Notices:
    return redialled(lambda: reducer.watch_session(session_id), give_up_after=give_up_after)


def _print(found: Session, *, as_json: bool) -> None:
    if as_json:
        show.record(found, as_json=True)
    else:
        click.echo(f"session {found.id} is {found.state}, {found.rounds_done} of {found.rounds} rounds done")
