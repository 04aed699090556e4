"""`fedn sandbox`: a whole federation on this machine."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import click

from fedn.cli import exits, show
from fedn.cli.failures import printed
from fedn.cli.live import follow
from fedn.cli.options import existing_folder, parameters_option
from fedn.config import load_member
from fedn.errors import FednError, InvalidInput, TrainingFailed
from fedn.package.create import template
from fedn.sandbox import Plan, Result, Sandbox

_DIGITS = Path("test/digits")
"""The package of the project's own working tree."""


@click.command()
@click.option("--rounds", type=click.IntRange(min=1), default=10, show_default=True, help="Rounds to train.")
@click.option("--round-timeout", type=float, metavar="SECONDS", help="How long a round may take.  [default: 180]")
@click.option("--clients", type=click.IntRange(min=1), default=4, show_default=True, help="How many clients.")
@click.option("--combiners", type=click.IntRange(min=1), default=2, show_default=True, help="How many combiners.")
@click.option(
    "--package",
    type=click.Path(exists=True, path_type=Path),
    help="Project's folder, or an archive.  [default: test/digits where there is one, else the template numpy]",
)
@click.option(
    "--data",
    type=existing_folder,
    help="Folder that holds the clients' data folders 0, 1, …  [default: what the package's `partition` makes]",
)
@click.option("--seed", metavar="FILE|NUMBER", help="Seed model, or a number that all draws of chance start from.")
@click.option(
    "--data-dir",
    metavar="FOLDER",
    help="Where everything is kept. Training goes on from what is there.  [default: fedn-data]",
)
@click.option(
    "--environments",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of Python environments, to share them between sandboxes.  [default: in the data folder]",
)
@parameters_option
@click.option("--fresh", is_flag=True, help="Empty the data folder first; its cache stays.")
@click.option("--port", type=click.IntRange(0, 65535), default=8090, show_default=True, help="The reducer's; 0: any.")
@click.option("--exit", "exits_after", is_flag=True, help="End after training; without a terminal that is so anyway.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
def sandbox(
    *,
    package: Path | None,
    data: Path | None,
    seed: str | None,
    data_dir: str | None,
    environments: Path | None,
    exits_after: bool,
    as_json: bool,
    **choices: Any,
) -> None:
    """Run a reducer, combiners and clients on this machine, and train with them.

    Each is a process of its own, with TLS and tokens. Stays up on a terminal until Ctrl-C, which stops them all.
    """
    source = package or (_DIGITS if _DIGITS.is_dir() else template("numpy"))
    folder = load_member(None, {"data_dir": data_dir}).data_dir
    places: dict[str, Any] = {"data_dir": folder, "data": data, "environments": environments}
    plan = Plan(package=source, **places, **_seed(seed), **choices)
    console = show.console(stderr=as_json)
    _unwind_on_signals()
    with Sandbox(plan, say=console.print) as running:
        try:
            follow(running.train(), console)
        except TrainingFailed:
            with contextlib.suppress(FednError):  # the reducer may be what went down
                for line in printed(running.reducer, running.session_id):
                    click.echo(line, err=True)
            raise
        result = running.result()
        console.print(_summary(result, plan))
        if not exits_after and sys.stdin.isatty() and sys.stdout.isatty():
            console.print("\nstaying up until Ctrl-C")
            _stay(running)
    if as_json:
        click.echo(json.dumps(_fields(result)))


def _seed(text: str | None) -> dict[str, Any]:
    """A number or the path of a seed model."""
    if text is None:
        return {}
    if text.isdecimal():
        return {"seed": int(text)}
    path = Path(text)
    if not path.is_file():
        raise InvalidInput(f"--seed {text} is neither a number nor a file", hint="such as 42, or a model's .npz")
    return {"seed_model": path}


def _summary(result: Result, plan: Plan) -> str:
    if result.accuracy is not None:
        reached = f"accuracy {result.accuracy:.4f}"
    else:
        reached = show.metrics(result.metrics) or "nothing measured"
    where = "" if plan.data_dir == Path("fedn-data") else f" --data-dir {plan.data_dir}"
    return "\n".join(
        [
            f"\n{reached} after {result.rounds} rounds, {result.seconds_per_round:.2f} s each",
            f"model      {result.model_file}",
            f"UI         {result.url}",
            f"log in     with what is in {plan.data_dir / 'join' / 'operator'}",
            f"look       fedn model list{where}",
            f"           fedn network show{where}",
            f"train on   fedn session start --watch{where}",
        ]
    )


def _fields(result: Result) -> dict[str, object]:
    left_out = ("metrics", "model_file")
    return {name: value for name, value in dataclasses.asdict(result).items() if name not in left_out}


def _unwind_on_signals() -> None:
    """Have the first signal end the program in order, and the next ones not disturb that."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def unwind(number: int, frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(exits.TERMINATED)

    for number in numbers:
        signal.signal(number, unwind)


def _stay(running: Sandbox) -> None:
    try:
        running.wait()
    except KeyboardInterrupt:
        return
