"""The libraries that the reducer runs on, and their licences, as the installed distributions say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution

ROOT, EXTRA = "fedn", "server"

_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9._-]+)\s*(?:\[([^\]]*)\])?")
_OF_EXTRA = re.compile(r"extra\s*==\s*[\"']([^\"']+)[\"']")
_HOMES = ("homepage", "home", "source", "source code", "repository", "github")
_LONGEST = 60
"""Characters of a licence's name; what is longer is its text."""


@dataclass(frozen=True)
class Library:
    """An installed distribution."""

    name: str
    version: str
    licence: str
    home: str


@cache
def libraries() -> tuple[Library, ...]:
    """What a reducer's installation requires and has, by name; empty where FEDn runs without being installed."""
    found: dict[str, Library] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(ROOT, ""), (ROOT, EXTRA)]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            one = distribution(name)
        except PackageNotFoundError:  # not needed on this machine
            continue
        found[name] = _library(one)
        waiting += _required(one, extra)
    found.pop(ROOT, None)
    return tuple(sorted(found.values(), key=lambda library: library.name.lower()))


def _required(one: Distribution, extra: str) -> list[tuple[str, str]]:
    """What a distribution requires, by (name, extra): always, or for an extra of its own."""
    required = []
    for line in one.requires or ():
        text, _, marker = line.partition(";")
        named = _REQUIREMENT.match(text)
        if named is None or extra not in (_OF_EXTRA.findall(marker) or [""]):
            continue
        name = re.sub(r"[-_.]+", "-", named[1]).lower()
        extras = [each.strip() for each in (named[2] or "").split(",") if each.strip()]
        required += [(name, each) for each in ("", *extras)]
    return required


def _library(one: Distribution) -> Library:
    about = one.metadata

    def says(field: str) -> list[str]:
        return [str(line) for line in about.get_all(field) or ()]

    short = [line.strip() for line in says("License") if len(line.strip()) <= _LONGEST and "\n" not in line.strip()]
    classified = [line.rpartition(" :: ")[2] for line in says("Classifier") if line.startswith("License")]
    licences = [*says("License-Expression"), *short, ", ".join(classified)]
    links = [line.partition(", ")[::2] for line in says("Project-URL")]
    links.sort(key=lambda link: link[0].lower() not in _HOMES)
    homes = [*says("Home-page"), *(url for _, url in links)]
    return Library(
        name=about["Name"],
        version=one.version,
        licence=next(filter(None, licences), "see the distribution"),
        home=next((url for url in homes if url.startswith("http")), ""),
    )
