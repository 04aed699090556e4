"""`fedn model`: the model trail."""

from __future__ import annotations

from pathlib import Path

import click

from fedn.api import Reducer
from fedn.cli import show
from fedn.cli.options import existing_file, json_option, with_reducer
from fedn.errors import NotFound
from fedn.stores.documents import Model


@click.group()
def model() -> None:
    """Models: the seed, and what training made of it."""


@model.command()
@click.argument("file", type=existing_file)
@json_option
@with_reducer
def seed(reducer: Reducer, file: Path, as_json: bool) -> None:
    """Commit FILE as the model that the next session starts from."""
    seeded = reducer.seed_model(file)
    if as_json:
        show.record(seeded, as_json=True)
    else:
        click.echo(f"model {seeded.id}: {seeded.parameters} parameters, {show.size(seeded.size)}")


@model.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many of the newest.")
@json_option
@with_reducer
def list_(reducer: Reducer, limit: int, as_json: bool) -> None:
    """List the newest models."""
    columns: show.Columns[Model] = {
        "model": lambda one: one.id,
        "committed": lambda one: show.instant(one.committed_at),
        "round": lambda one: one.number or "seed",
        "size": lambda one: show.size(one.size),
        "metrics": lambda one: show.metrics(one.metrics),
    }
    show.items(reducer.models(limit), columns, as_json=as_json, none="the trail is empty: `fedn model seed FILE`")


@model.command("show")
@click.argument("model_id", metavar="[ID]", default="")
@json_option
@with_reducer
def show_(reducer: Reducer, model_id: str, as_json: bool) -> None:
    """Show a model's record; by default the newest one's."""
    show.record(reducer.model(model_id or _newest(reducer)), as_json=as_json)


@model.command()
@click.argument("model_id", metavar="[ID]", default="")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
@json_option
@with_reducer
def download(reducer: Reducer, model_id: str, output: Path | None, as_json: bool) -> None:
    """Download a model; by default the newest one, into a file named after it and its format, such as model-ID.npz."""
    found = reducer.model(model_id or _newest(reducer))
    path = reducer.download_model(found.id, output or Path())
    if as_json:
        show.print_json({"id": found.id, "file": str(path), "size": found.size, "sha256": found.sha256})
    else:
        click.echo(path)


def _newest(reducer: Reducer) -> str:
    newest = reducer.models(1)
    if not newest:
        raise NotFound("there is no model yet", hint="`fedn model seed FILE` commits one")
    return newest[0].id
