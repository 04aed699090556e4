from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from fedn.reducer.ui.pages import instant, size
from fedn.security.tokens import Role


class Page(HTMLParser):
    """The text of a page, its parts, and whatever in it a strict policy of content doesn't let through."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.inline: list[str] = []
        self.links: list[str] = []
        self.styles: list[str] = []
        self.labels: list[str] = []
        self.fields: list[str] = []
        self.headings: list[str] = []
        self.current = ""
        self._within = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag in ("script", "style") or "style" in found or any(name.startswith("on") for name in found):
            self.inline.append(tag)
        if tag == "a":
            self.links.append(found["href"] or "")
        elif tag == "link":
            self.styles.append(found["href"] or "")
        elif tag == "label":
            self.labels.append(found["for"] or "")
        elif tag in ("input", "select", "textarea"):
            self.fields.append(found["id"] or "")
        self._within = "current" if "aria-current" in found else tag

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._within == "h1":
            self.headings.append(data)
        elif self._within == "current":
            self.current = data


PAGES = {
    "/": "Network",
    "/dashboard": "Network",
    "/network": "Network",
    "/context": "Compute package",
    "/models": "Models",
    "/control": "Control",
    "/eula": "Licence",
}
BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture(scope="module")
def seeded(start_reducer: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A network that is set up."""
    model = tmp_path_factory.mktemp("model") / "model.txt"
    model.write_text("1 2 3")
    with ExitStack() as stack:
        reducer = start_reducer(stack)
        reducer.http(Role.OPERATOR).upload("/api/v1/models", model)
        yield reducer


@pytest.mark.parametrize(("path", "heading"), PAGES.items())
def test_a_page_has_one_heading_and_says_where_it_is(seeded: Any, path: str, heading: str) -> None:
    response = seeded.raw(seeded.token(Role.OPERATOR)).get(path, headers=BROWSER)
    page = Page(response.text)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headings == [heading]
    assert page.current == heading
    assert f"{heading} · fedn-network · FEDn" in page.text


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_nothing_inline_and_its_style_comes_from_here(seeded: Any, path: str) -> None:
    response = seeded.raw(seeded.token(Role.OPERATOR)).get(path, headers=BROWSER)
    page = Page(response.text)
    assert page.inline == []
    assert page.styles == ["/static/style.css"]
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"


def test_links_lead_to_pages(seeded: Any) -> None:
    client = seeded.raw(seeded.token(Role.OPERATOR))
    links = {link for path in PAGES for link in Page(client.get(path, headers=BROWSER).text).links}
    assert {"/network", "/context", "/models", "/control", "/eula"} <= links
    for link in links:
        if link.startswith("/"):
            assert client.get(link, headers=BROWSER).status_code == 200


@pytest.mark.parametrize("path", PAGES)
def test_every_field_has_a_label_and_only_operators_get_forms(seeded: Any, path: str) -> None:
    page = Page(seeded.raw(seeded.token(Role.OPERATOR)).get(path, headers=BROWSER).text)
    assert page.fields == page.labels
    assert bool(page.fields) == (path in ("/context", "/models", "/control"))
    assert Page(seeded.raw(seeded.token(Role.VIEWER)).get(path, headers=BROWSER).text).fields == []


def test_pages_lead_to_the_missing_step(reducer: Any, model_file: Path, make_package: Any) -> None:
    client, operator = reducer.raw(reducer.token(Role.VIEWER)), reducer.http(Role.OPERATOR)
    for step in ("/context", "/models"):
        for path in ("/", "/dashboard", "/control"):
            answer = client.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, step)
        for path in ("/network", "/context", "/models", "/eula"):
            assert client.get(path, headers=BROWSER).status_code == 200
        network = Page(client.get("/network").text)
        assert "None has announced itself" in network.text
        assert network.links.count(step) == 2
        if step == "/context":
            operator.upload("/api/v1/packages", make_package())
    operator.upload("/api/v1/models", model_file)
    for path in PAGES:
        assert client.get(path, headers=BROWSER).status_code == 200


def test_the_package_is_shown_to_browsers_and_given_to_all_else(reducer: Any, make_package: Any) -> None:
    client = reducer.raw(reducer.token(Role.VIEWER))
    assert "None is set" in Page(client.get("/context", headers=BROWSER).text).text
    for accept in ("*/*", "application/json"):
        answer = client.get("/context", headers={"accept": accept})
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_ready")
    archive = make_package()
    package = reducer.http(Role.OPERATOR).upload("/api/v1/packages", archive, name="mine.tgz")
    page = Page(client.get("/context", headers=BROWSER).text)
    assert all(shown in page.text for shown in (package["id"], package["md5"], "mine.tgz"))
    assert client.get("/context").content == archive.read_bytes()
    [download] = [link for link in page.links if "mine.tgz" in link]
    answer = client.get(download, headers=BROWSER)
    assert answer.content == archive.read_bytes()
    assert answer.headers["content-disposition"] == "attachment; filename=mine.tgz"


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
