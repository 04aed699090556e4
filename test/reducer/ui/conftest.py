"""A browser at the pages, without a screen: it keeps its cookie, and takes pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from fedn.security.tokens import Role

ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


class Page(HTMLParser):
    """The text of a page, its parts, and whatever in it a strict policy of content doesn't let through."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.inline: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.labels: set[str] = set()
        self.fields: set[str] = set()
        self.forms: list[str] = []
        self.headings: list[str] = []
        self.ids: list[str] = []
        self._within = ""
        self._labelled = False
        self.feed(html)
        self.text = re.sub(r"\s+", " ", self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if (tag == "script" and "src" not in found) or tag == "style" or "style" in found:
            self.inline.append(tag)
        self.inline += [name for name in found if name.startswith("on")]
        self.loaded += [found[name] for name in ("src", "href") if tag in ("script", "link", "img") and name in found]
        self.ids += [found["id"]] if "id" in found else []
        if tag == "a":
            self.links.append(found["href"])
        elif tag == "form":
            self.forms.append(found.get("data-api", found.get("action", "")))
        elif tag == "label":
            self._labelled = "for" not in found
            self.labels.add(found.get("for", ""))
        elif (
            tag in ("input", "select", "textarea")
            and not self._labelled
            and not {"aria-label", "hidden"} & {*found, found.get("type")}
        ):
            self.fields.add(found.get("id", f"a {tag} without an id"))
        if tag in ("td", "th", "dt", "dd", "li", "p"):
            self.text += " "
        self._within = tag

    def handle_endtag(self, tag: str) -> None:
        self._within = ""
        self._labelled = self._labelled and tag != "label"

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._within == "h1":
            self.headings.append(data)


class Browser:
    """Logged in, where it was given a token."""

    def __init__(self, client: httpx.Client, token: str = "") -> None:
        self.client = client
        client.headers["accept"] = ACCEPT
        if token:
            client.post("/api/v1/login", json={"token": token}).raise_for_status()

    def page(self, path: str) -> Page:
        """A page that must be there."""
        answer = self.client.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return Page(answer.text)

    def csrf(self) -> dict[str, str]:
        """The header that a page's scripts send with a form."""
        found = re.search('<meta name="csrf" content="([0-9a-f]+)">', self.client.get("/about").text)
        return {"x-csrf-token": found[1] if found else ""}


Open = Callable[..., Browser]


@pytest.fixture
def open_browser() -> Open:
    """Opens a browser at a reducer, as an operator unless told otherwise; as nobody with None."""

    def open_(reducer: Any, role: Role | None = Role.OPERATOR) -> Browser:
        return Browser(reducer.raw(), reducer.token(role) if role else "")

    return open_
