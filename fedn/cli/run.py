"""`fedn run`: a reducer, a combiner or a client, in this process.

The flags are those of 2021, and one for every setting besides. A settings file overrides them all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from fedn import log
from fedn.cli import parent
from fedn.cli.options import existing_file, settings_options
from fedn.config import (
    ClientSettings,
    CombinerSettings,
    ReducerSettings,
    Settings,
    load_client,
    load_combiner,
    load_reducer,
)
from fedn.errors import ConfigError

Command = TypeVar("Command", bound=Callable[..., Any])

parent_option = click.option("--parent-pipe", type=int, hidden=True, callback=parent.follow, expose_value=False)


def init_option(*names: str) -> Callable[[Command], Command]:
    text = "Settings file (YAML), which overrides the flags."
    return click.option(*names, "--init", type=existing_file, metavar="FILE", help=text)


def ignored(*names: str, why: str) -> Callable[[Command], Command]:
    """A flag of 2021 that has nothing to say any more."""
    return click.option(*names, expose_value=False, help=f"Accepted as in 2021; {why}.")


@click.group()
def run() -> None:
    """Run a part of a network until SIGTERM or Ctrl-C."""


@run.command()
@click.option("-d", "--discoverhost", help="Host name under which the reducer is reached, as --names.")
@ignored("-n", "--name", why="a reducer needs no name")
@init_option("-i", "-in")
@settings_options(ReducerSettings, {"port": ("-p", "--discoverport"), "token": ("-t",)}, without=("state",))
@parent_option
def reducer(init: Path | None, discoverhost: str | None, **flags: str | None) -> None:
    """Run a reducer: the network's centre, and where operators turn to.

    Needs no settings at all on one machine: it keeps everything in its data folder, and leaves join strings there.
    """
    names = [name for name in (flags["names"], discoverhost) if name]
    settings = load_reducer(init, {**flags, "names": ",".join(names) or None})
    _log(settings, "reducer")
    try:
        from fedn.reducer import serve  # noqa: PLC0415  each role loads only what is its own
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"a reducer needs the package {error.name}", hint="pip install 'fedn[server]' brings all that it needs"
        ) from error
    serve.run(settings)


@run.command()
@init_option("-in")
@settings_options(
    CombinerSettings,
    {
        "discover_host": ("-d", "--discoverhost"),
        "discover_port": ("-p", "--discoverport"),
        "token": ("-t",),
        "name": ("-n",),
        "host": ("-h", "--hostname"),
        "port": ("-i",),
        "secure": ("-s",),
        "max_clients": ("-c", "--max_clients"),
    },
)
@parent_option
def combiner(init: Path | None, **flags: str | None) -> None:
    """Run a combiner: it gives clients their tasks and averages their updates."""
    settings = load_combiner(init, flags)
    _log(settings, "combiner")
    from fedn.combiner import app  # noqa: PLC0415

    asyncio.run(app.run(settings))


@run.command()
@ignored("-i", "--client_id", why="the name is all the identity that a client has")
@init_option("-in")
@settings_options(
    ClientSettings,
    {
        "discover_host": ("-d", "--discoverhost"),
        "discover_port": ("-p", "--discoverport"),
        "token": ("-t",),
        "name": ("-n",),
        "remote": ("-r",),
        "dry_run": ("-u",),
        "secure": ("-s",),
        "preshared_cert": ("-pc",),
        "verify_cert": ("-v",),
        "preferred_combiner": ("-c",),
        "log_file": ("-l", "--logfile"),
    },
)
@parent_option
def client(init: Path | None, **flags: str | None) -> None:
    """Run a client: it trains and validates with the network's compute package, on data that stays where it is."""
    settings = load_client(init, flags)
    _log(settings, "client")
    from fedn.client import app  # noqa: PLC0415

    asyncio.run(app.run(settings))


def _log(settings: Settings, role: str) -> None:
    log.configure(settings.log_level, settings.log_format, settings.log_file, role=role)
