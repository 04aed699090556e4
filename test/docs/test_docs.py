"""The documentation holds: what is generated is fresh, links lead somewhere, commands parse, Python compiles."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import click
import pytest
import yaml

from fedn.cli.main import fedn
from fedn.config import (
    ClientSettings,
    CombinerSettings,
    ReducerSettings,
    Settings,
    load_client,
    load_combiner,
    load_reducer,
    options,
)
from fedn.package.manifest import Manifest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PROJECTS = sorted(path.parents[1] for path in ROOT.glob("test/*/client/fedn.yaml"))
TEMPLATES = sorted(path.parents[1] for path in ROOT.glob("fedn/package/templates/*/client/fedn.yaml"))
PAGES = [
    ROOT / "README.md",
    *sorted(DOCS.rglob("*.md")),
    *(project / "README.md" for project in (*PROJECTS, *TEMPLATES)),
]
LOADERS = {"reducer": load_reducer, "combiner": load_combiner, "client": load_client}
SECTIONS = {"reducer": ReducerSettings, "combiner": CombinerSettings, "client": ClientSettings}

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_INDENTED = re.compile(r"^    (?! ).*", re.MULTILINE)  # code, in the READMEs of projects
_COMMAND = re.compile(r"(?:^|\$\(|&&|\|)\s*(?:export \w+=\S+ )?(fedn (?:[^|&;<>()\n]|\\\n)+)", re.MULTILINE)

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def blocks(page: Path, *languages: str) -> list[str]:
    """The code blocks of a page in these languages."""
    found = _FENCE.findall(page.read_text(encoding="utf-8"))
    return [dedent(text) for _, language, text in found if language in languages]


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """(file, anchor) of every link that stays within the project."""
    for target in _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        path, _, anchor = target.partition("#")
        if "://" not in target and not target.startswith("mailto:"):
            yield (page.parent / path).resolve() if path else page, anchor


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: list[str] = []
    for heading in re.findall(r"^#{1,6} +(.+?) *$", _FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        again = found.count(slug)
        found += [slug, f"{slug}-{again}"] if again else [slug]
    return set(found)


def test_generated_parts_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, DOCS / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_stale_page_is_named(tmp_path: Path) -> None:
    (tmp_path / "generate.py").write_text((DOCS / "generate.py").read_text())
    stale = "before\n<!-- generated: rpcs -->\nold\n<!-- end -->\nafter\n"
    (tmp_path / "page.md").write_text(stale)
    generate = [sys.executable, tmp_path / "generate.py"]
    checked = subprocess.run([*generate, "--check"], capture_output=True, text=True, check=False)
    assert (checked.returncode, (tmp_path / "page.md").read_text()) == (1, stale)
    assert "page.md is stale" in checked.stderr
    subprocess.run(generate, check=True, capture_output=True)
    fresh = (tmp_path / "page.md").read_text()
    assert fresh.startswith("before\n<!-- generated: rpcs -->\n") and fresh.endswith("<!-- end -->\nafter\n")
    assert "Rounds.Run" in fresh and "old" not in fresh
    assert subprocess.run([*generate, "--check"], check=False).returncode == 0


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in links(page):
        assert target.exists(), f"{page.name} links to {target}, which is not there"
        if anchor:
            assert anchor in anchors(target), f"{page.name} links to #{anchor}, which {target.name} doesn't have"


def test_every_page_is_in_reach_of_the_index() -> None:
    reached: set[Path] = set()
    todo = [DOCS / "README.md"]
    while todo:
        page = todo.pop()
        if page not in reached:
            reached.add(page)
            todo += [target for target, _ in links(page) if target in PAGES]
    assert set(DOCS.rglob("*.md")) - reached == set()


@every_page
def test_python_compiles(page: Path) -> None:
    for number, source in enumerate(blocks(page, "python")):
        compile(source, f"{page.name}, block {number}", "exec")


@every_page
def test_yaml_is_yaml(page: Path) -> None:
    for text in blocks(page, "yaml"):
        document = yaml.safe_load(text)
        if "entry_points" in document:
            Manifest.parse(text, source=page.name)


@every_page
def test_commands_parse(page: Path) -> None:
    indented = _INDENTED.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))
    for block in (*blocks(page, "sh"), *map(str.strip, indented)):
        for command in _COMMAND.findall(re.sub(r"(^|\s)#.*", "", block)):
            parse(shlex.split(command)[1:], where=f"{page.name}: {command.strip()}")


@every_page
def test_commands_in_prose_are_there(page: Path) -> None:
    """A command that is named in passing needs no arguments, but has to be one."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    for command in re.findall(r"`(fedn [^`…<>|]+)[^`…]*`", text):
        parse(shlex.split(command)[1:], where=f"{page.name}: {command}", whole=False)


def parse(words: list[str], *, where: str, whole: bool = True) -> None:
    """Find the command of a command line and read its options, without running it.

    Args:
        whole: Whether it has all that it requires.
    """
    command: click.Command = fedn
    while isinstance(command, click.Group):
        _, words = _read(command, words, where)
        if not words or words[0].isupper():  # such as `fedn COMMAND`
            assert not whole, f"{where}: lacks a command"
            return
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, f"{where}: there is no command {words[0]}"
        command, words = found, words[1:]
    if not whole and not words:
        return
    given, rest = _read(command, words, where)
    assert not rest, f"{where}: {rest} is too much"
    for param in command.params:
        value = given.get(param.name or "")
        if whole:
            assert value is not None or not param.required, f"{where}: lacks {param.name}"
        if isinstance(value, str) and isinstance(param.type, (click.Choice, click.IntRange)) and not value.isupper():
            param.type.convert(value, param, None)


def _read(command: click.Command, words: list[str], where: str) -> tuple[dict[str, object], list[str]]:
    context = click.Context(command)
    try:
        given, rest, _ = command.make_parser(context).parse_args(list(words))
    except click.UsageError as error:
        pytest.fail(f"{where}: {error.format_message()}")
    # What wasn't given is None in older versions of click, and a sentinel in newer ones.
    return {name: value for name, value in given.items() if isinstance(value, (str, bool, list, tuple))}, rest


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: str(project.name))
def test_a_project_is_whole_and_in_the_list_of_examples(project: Path) -> None:
    manifest = Manifest.parse((project / "client" / "fedn.yaml").read_bytes(), source=project.name)
    assert {"train", "validate", "seed", "partition"} <= set(manifest.entry_points)
    assert f"| `test/{project.name}` |" in (DOCS / "examples.md").read_text(encoding="utf-8")
    client = yaml.safe_load((project / "docker-compose.yaml").read_bytes())["services"]["client"]
    shell, option, script = shlex.split(client["command"])
    assert (shell, option) == ("sh", "-c")
    words = shlex.split(re.sub(r"\$\$\(\(.*?\)\)", "0", script).rpartition("exec ")[2])
    parse(words[1:], where=f"docker-compose.yaml of {project.name}")
    mounted = {volume.split(":")[1].removeprefix(f"{client['working_dir']}/") for volume in client["volumes"]}
    assert mounted == {words[words.index("--init") + 1], words[words.index("--data") + 1].split("/")[0]}


@pytest.mark.parametrize("role", SECTIONS)
def test_every_setting_is_in_the_documentation(role: str) -> None:
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    part = text.partition(f"<!-- generated: settings-{role} -->")[2].partition("<!-- end -->")[0]
    for option in options(SECTIONS[role]):
        assert f"| `{option.key}` | `{option.env}` |" in part


@pytest.mark.parametrize("role", LOADERS)
def test_templates_load(role: str) -> None:
    load: Callable[..., Settings] = LOADERS[role]
    secrets = ("MONGO_PASSWORD", "MINIO_PASSWORD", "FEDN_COMBINER_TOKEN", "FEDN_CLIENT_TOKEN")
    env = dict.fromkeys(secrets, "secret")
    settings = load(ROOT / "config" / f"settings-{role}.yaml.template", {}, env)
    assert settings.network_id == "fedn-test-network"


def test_the_examples_of_settings_load(tmp_path: Path) -> None:
    """Each says in its first line which role it is for."""
    for text in blocks(DOCS / "settings.md", "yaml"):
        role = re.match(r"# fedn run (\w+)", text)
        assert role, "an example of a settings file says first which role it is for"
        secret = tmp_path / "secret"
        secret.write_text("secret")
        file = tmp_path / "settings.yaml"
        file.write_text(re.sub(r"/run/secrets/\S+", str(secret), text))
        LOADERS[role[1]](file, {}, {})
