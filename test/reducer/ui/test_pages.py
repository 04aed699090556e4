from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from fedn.reducer.ui.pages import instant, size
from fedn.security.tokens import Role


class Page(HTMLParser):
    """The text of a page, and whatever in it a strict policy of content doesn't let through."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.inline: list[str] = []
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag in ("script", "style") or "style" in found or any(name.startswith("on") for name in found):
            self.inline.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src") and value]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("path", ["/", "/control", "/models", "/dashboard", "/network", "/eula"])
def test_every_page_s_address_gives_the_status_page(shared: Any, path: str) -> None:
    response = shared.raw(shared.token(Role.VIEWER)).get(path)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    text = Page(response.text).text
    assert "fedn-network" in text
    assert "fedn model seed" in text


def test_the_page_has_nothing_inline_and_its_style_comes_from_here(shared: Any) -> None:
    client = shared.raw(shared.token(Role.VIEWER))
    response = client.get("/")
    page = Page(response.text)
    assert page.inline == []
    assert page.links == ["/static/style.css"]
    assert client.get("/static/style.css").headers["content-type"].startswith("text/css")
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"


def test_it_shows_what_goes_on_and_takes_nobody_s_name_for_html(
    reducer: Any, model_file: Path, make_package: Any
) -> None:
    http = reducer.http(Role.OPERATOR)
    http.upload("/api/v1/packages", make_package(), name="mine.tgz")
    model = http.upload("/api/v1/models", model_file)
    reducer.add_clients("<img src=x onerror=alert(1)>")
    session = http.post("/api/v1/sessions", {"rounds": 3, "round_timeout": 60})
    html = reducer.raw(reducer.token(Role.VIEWER)).get("/").text
    page = Page(html)
    assert page.inline == []
    for shown in (
        "<img src=x onerror=alert(1)>",
        "mine.tgz",
        model["id"],
        session["id"],
        "0 of 3",
        "c1",
        "seed model of 9",
    ):
        assert shown in page.text


def test_instants_and_sizes_are_written_for_people() -> None:
    assert instant(0) == "1970-01-01 00:00:00"
    for count, text in [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (2**20, "1.0 MiB"),
        (5 * 2**40, "5120.0 GiB"),
    ]:
        assert size(count) == text
