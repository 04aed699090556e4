"""`fedn package`: compute packages."""

from __future__ import annotations

import difflib
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from fedn.api import Reducer
from fedn.cli import show
from fedn.cli.options import json_option, with_reducer
from fedn.package import archive
from fedn.package.create import create as create_project
from fedn.package.create import templates
from fedn.package.manifest import KNOWN, Manifest
from fedn.security.digest import sha256_file

_project = click.Path(exists=True, path_type=Path)


@click.group()
def package() -> None:
    """Compute packages: the code that clients run."""


@package.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="[FOLDER]", default=".")
@click.option("--template", type=click.Choice(templates()), default="numpy", show_default=True, help="What to copy.")
@json_option
def create(folder: Path, template: str, as_json: bool) -> None:
    """Write a small project that works into FOLDER, to be made one's own."""
    files = create_project(folder, template_name=template)
    if as_json:
        show.print_json({"template": template, "files": [str(file) for file in files]})
        return
    for file in files:
        click.echo(file)
    click.echo(f"\nTry it: fedn sandbox --package {shlex.quote(str(folder))}", err=True)
    click.echo(f"{folder / 'README.md'} says what to replace, to make it yours.", err=True)


@package.command()
@click.argument("path", type=_project)
@json_option
def check(path: Path, as_json: bool) -> None:
    """Check a project's folder or an archive, and say what is in it."""
    with packed(path) as file:
        manifest = archive.check(file)
        found = {
            "name": file.name,
            "size": file.stat().st_size,
            "sha256": sha256_file(file),
            "entry_points": {name: entry.command for name, entry in manifest.entry_points.items()},
            "requirements": _requirements(manifest),
            "helper": manifest.helper,
        }
    show.record(found, as_json=as_json)
    for name in sorted(manifest.entry_points.keys() - KNOWN):
        close = difflib.get_close_matches(name, KNOWN, 1)
        click.echo(f"warning: nothing runs `{name}`" + (f"; is `{close[0]}` meant?" if close else ""), err=True)


@package.command()
@click.argument("path", type=_project)
@click.option("--name", default="", help="What to call it.  [default: its file name]")
@click.option("--helper", default="", help="Helper that its models are read with, such as keras.")
@json_option
@with_reducer
def upload(reducer: Reducer, path: Path, name: str, helper: str, as_json: bool) -> None:
    """Make a project's folder or an archive the network's compute package."""
    with packed(path) as file:
        uploaded = reducer.upload_package(file, name=name, helper=helper)
    if as_json:
        show.record(uploaded, as_json=True)
    else:
        click.echo(f"package {uploaded.name}, {show.size(uploaded.size)}, SHA-256 {uploaded.id}")


def _requirements(manifest: Manifest) -> list[str]:
    """As pip takes them."""
    file = manifest.requirements_file
    return [f"-r {file}"] if file else list(manifest.requirements)


@contextmanager
def packed(path: Path) -> Iterator[Path]:
    """The archive at `path`, or one of the project in that folder, which is deleted afterwards."""
    if path.is_file():
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="fedn-package-") as scratch:
        yield archive.build(path, Path(scratch) / f"{path.resolve().name or 'package'}.tgz")
