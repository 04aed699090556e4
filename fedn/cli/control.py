"""`fedn control`: the verbs of 2021, for scripts that know them; today's are `fedn package` and `fedn session`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from fedn.cli import package as packages
from fedn.cli import session
from fedn.cli.options import existing_folder, reach
from fedn.config import load_member
from fedn.errors import Conflict, InvalidInput, NotFound
from fedn.package import archive
from fedn.rpc.discovery import find_reducer

_PACKED = "package"
"""What a package is called where nothing is said."""

_ADDRESS: list[click.Parameter] = [
    click.Option(["-r", "--reducer", "host"], help="Host of the reducer.  [default: localhost, if -p or -t is given]"),
    click.Option(["-p", "--port"], help="Port of the reducer.  [default: 8090]"),
    click.Option(["-t", "--token"], help="Token of an operator."),
]
"""Where the reducer is, as in 2021."""

_SINCE = [option for option in session.start.params if option.name in ("join", "data_dir")]
"""Where the reducer is, as in every other command."""


def _where(
    *, host: str | None, port: str | None, token: str | None, join: str | None, data_dir: str | None
) -> dict[str, str | None]:
    """The flags as settings. A port or token without a host is of this machine; none of the three leaves it to the
    environment where the reducer is."""
    if not (host or port or token):
        return {"join": join, "data_dir": data_dir}
    given = {"discover_host": host, "discover_port": port, "token": token, "join": join or "", "data_dir": data_dir}
    return given if load_member(None, given).discover_host else {**given, "discover_host": "localhost"}


@click.group()
def control() -> None:
    """The verbs of 2021."""


control.add_command(packages.create, "template")


@control.command(params=[*_ADDRESS, *_SINCE])
@click.option("-n", "--name", default=_PACKED, show_default=True, help="Name of the package.")
@click.option("-u", "--upload", type=bool, is_flag=False, flag_value=True, default=False, help="Upload it, too.")
@click.option("-v", "--validate", is_flag=False, flag_value="true", expose_value=False, help="Always done.")
@click.option("-d", "--cwd", type=existing_folder, default=".", help="The project's folder.  [default: this one]")
def package(*, name: str, upload: bool, cwd: Path, **where: str | None) -> None:
    """Pack the folder client/ into NAME.tar.gz, beside it."""
    target = archive.build(cwd, cwd / _file_name(name))
    click.echo(target)
    if upload:
        with reach(**_where(**where)) as reducer:
            click.echo(f"uploaded as {reducer.upload_package(target).id}")


@control.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option("-d", "--cwd", type=existing_folder, default=".", help="Where to.  [default: this folder]")
def unpack(file: Path | None, cwd: Path) -> None:
    """Unpack a package's client/. Without FILE it is package.tar.gz of the folder."""
    file = file or cwd / _file_name(_PACKED)
    if not file.is_file():
        raise NotFound(f"there is no file {file}", hint="name the package's archive: fedn control unpack FILE")
    if (cwd / archive.CODE).exists():
        raise Conflict(f"{cwd / archive.CODE} is there already", hint="name another folder with --cwd")
    archive.extract(file, cwd)
    click.echo(cwd / archive.CODE)


@control.command(params=[*_ADDRESS, *session.start.params], help=session.start.help)
@click.pass_context
def start(
    context: click.Context,
    /,
    *,
    host: str | None,
    port: str | None,
    token: str | None,
    join: str | None,
    data_dir: str | None,
    **options: Any,
) -> object:
    where = load_member(None, _where(host=host, port=port, token=token, join=join, data_dir=data_dir))
    return context.invoke(session.start, join=str(find_reducer("operator", where)), data_dir=data_dir, **options)


def _file_name(name: str) -> str:
    """Of an archive in the project's folder."""
    plain = name.removesuffix(".tar.gz")
    if not re.fullmatch(r"[\w-][\w. -]*", plain):
        raise InvalidInput(
            f"{name!r} is no name for a package", hint="use letters, digits, '-', '_' and '.'; --cwd says which folder"
        )
    return f"{plain}.tar.gz"
