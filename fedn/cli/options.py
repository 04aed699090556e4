"""Options that many commands share."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from fedn.api import Reducer
from fedn.config import Settings, load_member, options, texts
from fedn.errors import InvalidInput

Command = TypeVar("Command", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, with keys that stay as they are.")

existing_file = click.Path(exists=True, dir_okay=False, path_type=Path)

existing_folder = click.Path(exists=True, file_okay=False, path_type=Path)


def _parameters(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> dict[str, Any]:
    """The values by their names; a value is read as JSON where it is that, and as text elsewhere."""
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise InvalidInput(f"the parameter {text!r} is not NAME=VALUE", hint="such as --parameter epochs=3")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


parameters_option = click.option(
    "--parameter",
    "-P",
    "parameters",
    multiple=True,
    callback=_parameters,
    metavar="NAME=VALUE",
    help="For the package.",
)


def reach(**flags: str | None) -> Reducer:
    """The reducer that flags and environment name, connected."""
    found = load_member(None, flags)
    return Reducer.connect(
        found.join, data_dir=found.data_dir, host=found.discover_host, port=found.discover_port, token=found.token
    )


def with_reducer(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say where the reducer is. The command gets it as its first argument, connected."""

    @click.option("--join", metavar="STRING", help="Join string of the reducer.  [env: FEDN_JOIN]")
    @click.option(
        "--data-dir", metavar="FOLDER", help="Data folder of a reducer on this machine.  [default: fedn-data]"
    )
    @functools.wraps(command)
    def connected(join: str | None, data_dir: str | None, **arguments: Any) -> Any:
        with reach(join=join, data_dir=data_dir) as reducer:
            return command(reducer, **arguments)

    return connected


def settings_options(
    section: type[Settings], former: dict[str, tuple[str, ...]], *, without: tuple[str, ...] = ()
) -> Callable[[Command], Command]:
    """An option for every setting at the top of `section`, such as `--log-level` for `log_level`.

    Their values reach the command as text under the settings' names, None for those that weren't given. Whether a value
    is a good one is not for the command line to say.

    Args:
        former: What a setting was called on the command line of 2021, by its name.
        without: Settings that get no option.
    """
    about = texts(section)

    def add(command: Command) -> Command:
        offered = [option for option in options(section) if "." not in option.name and option.name not in without]
        for option in reversed(offered):
            names = [*former.get(option.name, ()), f"--{option.name.replace('_', '-')}"]
            text = about[option.target]
            choices = option.kind.choices
            is_switch = choices == ("true", "false")
            command = click.option(
                *dict.fromkeys(names),
                option.name,
                metavar=f"[{'|'.join(choices)}]" if choices else "FILE" if option.is_file else None,
                is_flag=False,
                flag_value="true" if is_switch else None,
                help=f"File with the value of --{option.target.replace('_', '-')}." if option.is_file else text,
            )(command)
        return command

    return add
