"""`fedn control`: the verbs of 2021, for scripts that know them; today's are `fedn package` and `fedn session`."""

from __future__ import annotations

from pathlib import Path

import click

from fedn.cli import package as packages
from fedn.cli import session
from fedn.cli.options import existing_file, existing_folder, reach
from fedn.errors import Conflict
from fedn.package import archive


@click.group()
def control() -> None:
    """The verbs of 2021."""


control.add_command(packages.create, "template")
control.add_command(session.start, "start")


@control.command()
@click.option("-r", "--reducer", "discover_host", help="Host of the reducer, for --upload.")
@click.option("-p", "--port", "discover_port", help="Port of the reducer.  [default: 8090]")
@click.option("-t", "--token", help="Token of an operator.")
@click.option("-n", "--name", default="package", show_default=True, help="Name of the package.")
@click.option("-u", "--upload", type=bool, is_flag=False, flag_value=True, default=False, help="Upload it, too.")
@click.option("-v", "--validate", is_flag=False, flag_value="true", expose_value=False, help="Always done.")
@click.option("-d", "--cwd", type=existing_folder, default=".", help="The project's folder.  [default: this one]")
def package(
    *, discover_host: str | None, discover_port: str | None, token: str | None, name: str, upload: bool, cwd: Path
) -> None:
    """Pack the folder client/ into NAME.tar.gz."""
    target = archive.build(cwd, cwd / f"{name}.tar.gz")
    click.echo(target)
    if upload:
        with reach(discover_host=discover_host, discover_port=discover_port, token=token) as reducer:
            click.echo(f"uploaded as {reducer.upload_package(target).id}")


@control.command()
@click.argument("file", type=existing_file)
@click.option("-d", "--cwd", type=existing_folder, default=".", help="Where to.  [default: this folder]")
def unpack(file: Path, cwd: Path) -> None:
    """Unpack a package's client/."""
    if (cwd / archive.CODE).exists():
        raise Conflict(f"{cwd / archive.CODE} is there already", hint="name another folder with --cwd")
    archive.extract(file, cwd)
    click.echo(cwd / archive.CODE)
