"""`fedn doctor`: what is wrong here, and what to do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click

from fedn.cli import exits, show
from fedn.cli.checks import Finding, Verdict, fail, ok
from fedn.cli.checks.machine import machine
from fedn.cli.checks.reducer import reducer
from fedn.cli.options import json_option
from fedn.config import ReducerSettings, Settings, load_client, load_combiner, load_member, load_reducer
from fedn.errors import ConfigError
from fedn.security.tokens import Role

_LOADERS: Mapping[str, Callable[[Path | None, Mapping[str, object]], Settings]] = {
    "reducer": load_reducer,
    "combiner": load_combiner,
    "client": load_client,
    "operator": load_member,
}
_MARKS = {Verdict.OK: "ok  ", Verdict.WARN: "warn", Verdict.FAIL: "FAIL"}


@click.command()
@click.option("--role", type=click.Choice(list(_LOADERS)), default="operator", show_default=True, help="To check for.")
@click.option("--init", type=click.Path(path_type=Path), metavar="FILE", help="Settings file of that role, to check.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port that the role would listen on.")
@click.option("--join", metavar="STRING", help="Join string of the reducer.  [env: FEDN_JOIN]")
@click.option("--data-dir", metavar="FOLDER", help="Data folder.  [default: fedn-data]")
@json_option
def doctor(
    *,
    role: str,
    init: Path | None,
    port: int | None,
    join: str | None,
    data_dir: str | None,
    as_json: bool,
) -> int:
    """Check this machine, the settings, and the reducer; say what is wrong and what to do."""
    findings = list(_findings(role, init=init, port=port, join=join, data_dir=data_dir))
    if as_json:
        show.print_json([dataclasses.asdict(finding) for finding in findings])
    else:
        for finding in findings:
            click.echo(f"{_MARKS[finding.verdict]}  {finding.check}: {finding.message}")
            if finding.hint:
                click.echo(f"      → {finding.hint}")
    return exits.FAILED if any(finding.verdict is Verdict.FAIL for finding in findings) else exits.OK


def _findings(
    role: str, *, init: Path | None, port: int | None, join: str | None, data_dir: str | None
) -> Iterator[Finding]:
    flags: dict[str, object] = {"data_dir": data_dir}
    listens, joins = role in ("reducer", "combiner"), role != "reducer"
    try:
        settings = _LOADERS[role](init, flags | ({"port": port} if listens else {}) | ({"join": join} if joins else {}))
    except ConfigError as error:
        yield fail("settings", error.message, error.hint)
        return
    yield ok("settings", f"{init or 'the defaults and the environment'} can be read")
    on_machine = list(machine(settings))
    yield from on_machine
    if isinstance(settings, ReducerSettings) and all(one.verdict is not Verdict.FAIL for one in on_machine):
        from fedn.cli.checks.stores import stores  # noqa: PLC0415  only a reducer has what it needs

        yield from stores(settings)
    # A reducer's own machine reaches it as its operator does.
    member = load_member(None, {"data_dir": str(settings.data_dir), "join": join})
    if isinstance(settings, type(member)):
        member = settings
    yield from reducer(member, Role(role) if joins else Role.OPERATOR)
