"""`fedn model`: the model trail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
    """List the newest models, and the tags on them."""
    tags: dict[str, list[str]] = {}
    for tag in reducer.tags():
        tags.setdefault(tag.model_id, []).append(tag.id)
    columns: show.Columns[Model] = {
        "model": lambda one: one.id,
        "committed": lambda one: show.instant(one.committed_at),
        "round": lambda one: one.number or "seed",
        "size": lambda one: show.size(one.size),
        "tags": lambda one: " ".join(sorted(tags.get(one.id, ()))),
        "metrics": lambda one: show.metrics(one.metrics),
    }
    show.items(reducer.models(limit), columns, as_json=as_json, none="the trail is empty: `fedn model seed FILE`")


@model.command("show")
@click.argument("model_id", metavar="[MODEL]", default="")
@json_option
@with_reducer
def show_(reducer: Reducer, model_id: str, as_json: bool) -> None:
    """Show the record of a model, by id or tag; by default the newest one's."""
    show.record(reducer.model(model_id or _newest(reducer)), as_json=as_json)


@model.command()
@click.argument("model_id", metavar="[MODEL]", default="")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
@json_option
@with_reducer
def download(reducer: Reducer, model_id: str, output: Path | None, as_json: bool) -> None:
    """Download a model, by id or tag; by default the newest.

    Without --output, the file is named after the model's id and its format, such as model-ID.npz.
    """
    found = reducer.model(model_id or _newest(reducer))
    path = reducer.download_model(found.id, output or Path())
    if as_json:
        show.print_json({"id": found.id, "file": str(path), "size": found.size, "sha256": found.sha256})
    else:
        click.echo(path)


@model.command()
@click.argument("name")
@click.argument("model_id", metavar="MODEL")
@json_option
@with_reducer
def tag(reducer: Reducer, name: str, model_id: str, as_json: bool) -> None:
    """Have NAME point at a model, given by id or another tag. The tag `production` promotes it."""
    tagged = reducer.tag_model(name, model_id)
    if as_json:
        show.record(tagged, as_json=True)
    else:
        click.echo(f"{tagged.id} is model {tagged.model_id}")


@model.command()
@click.argument("name")
@with_reducer
def untag(reducer: Reducer, name: str) -> None:
    """Forget the tag NAME. The model stays."""
    reducer.untag_model(name)


@model.command()
@click.argument("a")
@click.argument("b")
@json_option
@with_reducer
def compare(reducer: Reducer, a: str, b: str, as_json: bool) -> None:
    """Compare two models, A and B, by id or tag: norms of their arrays and of what lies between them, and metrics."""
    found = reducer.compare_models(a, b)
    if as_json:
        show.print_json(found)
        return
    columns: show.Columns[dict[str, Any]] = {
        "array": lambda one: one["name"],
        "shape": lambda one: "×".join(map(str, one["shape"])),
        "type": lambda one: one["dtype"],
        "norm of A": lambda one: f"{one['norm_a']:.6g}",
        "norm of B": lambda one: f"{one['norm_b']:.6g}",
        "difference": lambda one: f"{one['difference']:.6g}",
        "relative": lambda one: "" if one["relative"] is None else f"{one['relative']:.4%}",
    }
    total = {"name": "all", "shape": [], "dtype": "", **found["total"]}
    show.items([*found["arrays"], total], columns, as_json=False, none="")
    for name in ("a", "b"):
        one = Model.from_body(found[name])
        click.echo(f"{name.upper()}: model {one.id}  {show.metrics(one.metrics)}".rstrip())


def _newest(reducer: Reducer) -> str:
    newest = reducer.models(1)
    if not newest:
        raise NotFound("there is no model yet", hint="`fedn model seed FILE` commits one")
    return newest[0].id
