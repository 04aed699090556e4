"""`docs/cli.md` names every command, every option and every exit status."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from fedn.cli import exits
from fedn.cli.main import fedn

DOCS = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for word, child in command.commands.items():
            yield from commands(child, f"{name} {word}")
    else:
        yield name, command


COMMANDS = dict(commands(fedn, "fedn"))


def section(name: str) -> str:
    """The text under a command's heading."""
    found = re.search(rf"^##+ `{name}(?: [^`]*)?`\n(.*?)(?=^##|\Z)", DOCS, re.MULTILINE | re.DOTALL)
    assert found, f"docs/cli.md has no heading for `{name}`"
    return found[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_documented_with_its_options(name: str) -> None:
    documented = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*|-P", section(name)))
    for option in COMMANDS[name].params:
        if isinstance(option, click.Option) and not option.hidden:
            missing = {*option.opts, *option.secondary_opts} - documented
            assert not missing, f"docs/cli.md lacks {', '.join(missing)} of `{name}`"


def test_nothing_is_documented_that_is_not_there() -> None:
    headings = re.findall(r"^###? `(fedn [a-z ]+?)(?: [\[A-Z][^`]*)?`$", DOCS, re.MULTILINE)
    groups = {" ".join(name.split()[:2]) for name in COMMANDS}
    assert set(headings) <= COMMANDS.keys() | groups


def test_exit_statuses_are_documented() -> None:
    rows = dict(re.findall(r"^\| (\d+) \|[^|]*\| ([^|]*) \|$", DOCS, re.MULTILINE))
    for code, status in exits.BY_CODE.items():
        assert f"`{code}`" in rows[str(status)]
    assert {str(exits.INTERRUPTED), str(exits.TERMINATED)} <= set(re.findall(r"^\| (\d+) \|", DOCS, re.MULTILINE))
