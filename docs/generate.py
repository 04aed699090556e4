"""Writes the generated parts of the documentation, each between `<!-- generated: NAME -->` and `<!-- end -->`.

    python docs/generate.py           # write them anew
    python docs/generate.py --check   # exit 1 and name the pages that are stale

What is generated comes from where it is said once: the settings classes, the command line, the table of rights, the
OpenAPI document, the tree of errors.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import MISSING, fields
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast, get_type_hints

import click
from apiflask import APIFlask

from fedn import errors
from fedn.cli.exits import BY_CODE
from fedn.cli.run import run
from fedn.config import (
    ClientSettings,
    CombinerSettings,
    Option,
    ReducerSettings,
    Settings,
    load_reducer,
    options,
    texts,
)
from fedn.config.schema import Section, choices
from fedn.reducer.app import create_app
from fedn.reducer.problems import STATUS
from fedn.reducer.services import Services
from fedn.security.policy import LEGACY_RPCS, PUBLIC, ROUTES, RPCS, Rule

DOCS = Path(__file__).parent
_PART = re.compile(r"(<!-- generated: (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_METHODS = ("GET", "POST", "PUT", "DELETE")
_UNITS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))

ROLES: Mapping[str, type[Settings]] = {
    "reducer": ReducerSettings,
    "combiner": CombinerSettings,
    "client": ClientSettings,
}


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    headings = list(headings)
    lines = [headings, ["---"] * len(headings), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def settings(role: str) -> str:
    """Every setting of a role, in all the ways it can be given."""
    section = ROLES[role]
    flags = {param.name: param.opts for param in run.commands[role].params if isinstance(param, click.Option)}
    rows = [
        [
            code(option.key),
            code(option.env),
            " ".join(map(code, flags.get(option.name, ()))),
            option.kind.expected,
            "" if option.is_file else code(_default(section, option)),
            _meaning(section, option),
        ]
        for option in options(section)
    ]
    return table(("key in a file", "variable", "flags", "value", "default", "meaning"), rows)


def _owner(section: type[Section], option: Option) -> tuple[type[Section], str]:
    """The class that has the field behind an option, and the field's name."""
    first, _, rest = option.target.partition(".")
    if not rest or rest == "type":
        return section, first
    members = choices(get_type_hints(section)[first])
    return next(member for member in members if option.owner == member.TYPE), rest


def _default(section: type[Section], option: Option) -> str:
    owner, name = _owner(section, option)
    if option.name.endswith(".type"):
        return choices(get_type_hints(section)[name])[0].TYPE
    field = next(each for each in fields(owner) if each.name == name)
    value: Any = field.default_factory() if field.default_factory is not MISSING else field.default
    if "bytes" in option.kind.expected:
        return next((f"{value // size} {unit}" for size, unit in _UNITS if value % size == 0), str(value))
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else " ".join(value) if isinstance(value, tuple) else str(value)


def _meaning(section: type[Section], option: Option) -> str:
    if option.is_file:
        return f"File with the value of {code(option.key.removesuffix('_file'))}."
    owner, name = _owner(section, option)
    text = " ".join(texts(owner)[name].split())
    return f"{text} Only for the type {code(option.owner)}." if option.owner else text


@cache
def app() -> APIFlask:
    """The reducer's application, for its routes."""
    with TemporaryDirectory() as folder, closing(Services.open(load_reducer(None, {"data_dir": folder}, {}))) as opened:
        made = create_app(opened)
        with made.app_context():
            made.spec  # noqa: B018  derived once and kept
        return made


def spec() -> Mapping[str, Any]:
    with app().app_context():
        return cast(Mapping[str, Any], app().spec)


def who(rule: Rule) -> str:
    return "anyone" if rule == PUBLIC else ", ".join(sorted(role.value for role in rule))


def routes() -> str:
    """The routes of the JSON interface."""
    paths = spec()["paths"]
    rows = [
        [method, code(path), who(ROUTES[key]), _takes(operation), _says(operation)]
        for path in sorted(paths)
        for method in _METHODS
        if (operation := paths[path].get(method.lower()))
        for key in [f"{method} {path.replace('{', '<').replace('}', '>')}"]
    ]
    return table(("", "path", "who may", "takes", "what it does"), rows)


def _says(operation: Mapping[str, Any]) -> str:
    return " ".join(" ".join([operation["summary"], operation.get("description", "")]).split())


def _takes(operation: Mapping[str, Any]) -> str:
    query = [code(one["name"]) for one in operation.get("parameters", []) if one["in"] == "query"]
    content = operation.get("requestBody", {}).get("content", {})
    if "application/octet-stream" in content:
        query.append("a file")
    elif content:
        name = _name(content["application/json"]["schema"])
        query.append(f"[{name}](#{name.lower()})")
    return ", ".join(query)


def _name(schema: Mapping[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def bodies() -> str:
    """The JSON bodies that routes take."""
    schemas = spec()["components"]["schemas"]
    operations = [operation for methods in spec()["paths"].values() for operation in methods.values()]
    contents = [one["requestBody"]["content"] for one in operations if isinstance(one, dict) and "requestBody" in one]
    names = sorted({_name(one["application/json"]["schema"]) for one in contents if "application/json" in one})
    return "\n\n".join(f"### {name}\n\n{_fields(schemas[name])}" for name in names)


def _fields(schema: Mapping[str, Any]) -> str:
    rows = [
        [
            code(name),
            _kind(field),
            "required" if name in schema.get("required", ()) else code(json.dumps(field.get("default"))),
            field.get("description", ""),
        ]
        for name, field in schema["properties"].items()
    ]
    return table(("field", "value", "default", "meaning"), rows)


def _kind(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return "one of " + ", ".join(map(code, field["enum"]))
    if "anyOf" in field:
        return " or ".join(_kind(one) for one in field["anyOf"])
    limits = {
        "minimum": "at least {}",
        "exclusiveMinimum": "above {}",
        "maximum": "at most {}",
        "exclusiveMaximum": "below {}",
        "maxLength": "at most {} characters",
    }
    return ", ".join([field["type"], *(text.format(field[key]) for key, text in limits.items() if key in field)])


def other_routes() -> str:
    """The routes of 2021 and the pages."""
    rows = []
    for key, rule in ROUTES.items():
        method, path = key.split()
        if path.startswith("/api/"):
            continue
        view = next(one for one in app().url_map.iter_rules() if one.rule == path and method in (one.methods or ()))
        text = (app().view_functions[view.endpoint].__doc__ or "").strip().partition("\n\n")[0]
        rows.append([method, code(path), who(rule), "Style sheets." if view.endpoint == "static" else _oneline(text)])
    return table(("", "path", "who may", "what it does"), rows)


def _oneline(text: str) -> str:
    return " ".join(text.split())


def rpcs() -> str:
    """Every RPC of a combiner and the roles that may call it."""
    rows = [
        [code(name.removeprefix("/grpc.").replace("/", ".")), who(rule), "yes" if name in LEGACY_RPCS else ""]
        for name, rule in RPCS.items()
    ]
    return table(("RPC", "roles", "2021 clients, where let in"), rows)


def error_codes() -> str:
    """Every kind of error, and what stands for it on each wire."""
    told = dict(re.findall(r"[├└]── (\w+) {2,}(.+)", errors.__doc__ or ""))
    rows = [
        [code(kind.code), str(STATUS[kind.code]), str(BY_CODE[kind.code]), "yes" if kind.retryable else "", told[name]]
        for name, kind in ((kind.__name__, kind) for kind in _kinds(errors.FednError))
        if name in told
    ]
    return table(("code", "HTTP status", "exit status", "may pass by itself", "what is wrong"), rows)


def _kinds(root: type[errors.FednError]) -> Iterator[type[errors.FednError]]:
    yield root
    for child in root.__subclasses__():
        yield from _kinds(child)


PARTS: Mapping[str, Callable[[], str]] = {
    **{f"settings-{role}": partial(settings, role) for role in ROLES},
    "routes": routes,
    "bodies": bodies,
    "other-routes": other_routes,
    "rpcs": rpcs,
    "errors": error_codes,
}


def renewed(page: str) -> str:
    """The text of a page with its generated parts written anew."""
    return _PART.sub(lambda found: f"{found[1]}\n{PARTS[found['name']]()}\n\n{found[3]}", page)


def main(words: list[str]) -> int:
    """Write the pages, or with `--check` name those that are stale; the exit status."""
    pages = {page: page.read_text(encoding="utf-8") for page in sorted(DOCS.rglob("*.md"))}
    stale = {page: fresh for page, text in pages.items() if (fresh := renewed(text)) != text}
    for page, fresh in stale.items():
        name = page.relative_to(DOCS.parent)
        if "--check" in words:
            sys.stderr.write(f"{name} is stale: run `make docs`\n")
        else:
            page.write_text(fresh, encoding="utf-8")
            sys.stdout.write(f"wrote {name}\n")
    return int("--check" in words and bool(stale))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
