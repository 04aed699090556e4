"""The command `fedn`: the words, and what becomes of an error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

import click

from fedn.cli import control, doctor, event, exits, health, model, network, package, run, sandbox, session, store, token
from fedn.errors import EntryPointFailed, FednError
from fedn.log import harmless
from fedn.version import __version__


@click.group(context_settings={"max_content_width": 120})
@click.version_option(__version__, prog_name="fedn", message="%(prog)s %(version)s")
def fedn() -> None:
    """Federated learning: run the parts of a network, and tell it what to do."""


for command in (
    sandbox.sandbox,
    run.run,
    package.package,
    model.model,
    session.session,
    network.network,
    network.client,
    network.combiner,
    event.event,
    token.token,
    store.store,
    doctor.doctor,
    health.health,
    control.control,
):
    fedn.add_command(command)


def main(words: Sequence[str] | None = None) -> int:
    """Run a command line, by default this process's own.

    Returns:
        The exit status.
    """
    words = sys.argv[1:] if words is None else words
    as_json = "--json" in words
    try:
        status = fedn.main(list(words), prog_name="fedn", standalone_mode=False)
        sys.stdout.flush()
    except FednError as error:
        return _report(error, as_json=as_json)
    except click.UsageError as error:
        if as_json:
            _print_error("usage", error.format_message(), hint="`fedn --help` shows the commands")
        else:
            error.show()
        return exits.USAGE
    except click.ClickException as error:  # a file given that can't be opened
        return _report(FednError(error.format_message()), as_json=as_json)
    except (click.Abort, KeyboardInterrupt):
        return exits.INTERRUPTED
    except BrokenPipeError:  # `fedn … | head`: nobody reads on, and nothing more is to be written at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.FAILED
    return status if isinstance(status, int) else exits.OK


def _report(error: FednError, *, as_json: bool) -> int:
    """Say what is wrong and what to do: for people on standard error, for programs on standard output."""
    if as_json:
        _print_error(error.code, error.message, hint=error.hint)
    else:
        if isinstance(error, EntryPointFailed) and error.output:
            click.echo(harmless(error.output.rstrip()), err=True)
        _say("error", error.message)
        if error.hint:
            _say("hint", error.hint)
    return exits.BY_CODE[error.code]


def _say(what: str, text: str) -> None:
    """A line on standard error; what a compute package printed may make it several."""
    click.echo(f"{what}: " + harmless(text).replace("\n", "\n    "), err=True)


def _print_error(code: str, message: str, *, hint: str) -> None:
    click.echo(json.dumps({"error": {"code": code, "message": message, "hint": hint}}))
