"""What holds for every page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from fedn.security.policy import ROUTES
from fedn.security.tokens import Role

PAGES = sorted(
    rule.removeprefix("GET ")
    for rule in ROUTES
    if rule.startswith("GET /") and "<" not in rule and not rule.startswith(("GET /api/", "GET /static/"))
    if rule.removeprefix("GET ") not in ("/assign", "/add", "/checksum", "/config/download", "/status", "/metric_type")
)
FORMER = {"/control", "/eula", "/netgraph"}
"""Addresses of 2021 that lead elsewhere."""


@pytest.fixture(scope="module")
def seeded(start_reducer: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A network that is set up."""
    model = tmp_path_factory.mktemp("model") / "model.txt"
    model.write_text("1 2 3")
    with ExitStack() as stack:
        reducer = start_reducer(stack)
        reducer.http(Role.OPERATOR).upload("/api/v1/models", model)
        yield reducer


@pytest.mark.parametrize("path", sorted(set(PAGES) - FORMER))
def test_a_page_is_whole(seeded: Any, open_browser: Any, path: str) -> None:
    browser = open_browser(seeded)
    page = browser.page(path)
    assert len(page.headings) == 1
    assert f"{page.headings[0]} · fedn-network · FEDn" in page.text
    assert page.inline == []
    assert sorted(set(page.ids)) == sorted(page.ids)
    assert page.fields <= page.labels
    for address in page.loaded:
        assert address.startswith("/static/")
        assert browser.client.get(address).status_code == 200
    for link in {link.partition("#")[0] for link in page.links} - {""}:
        if link.startswith("/") and "format=csv" not in link:  # there may be nothing to export yet
            assert browser.client.get(link).status_code in (200, 303), link


@pytest.mark.parametrize("path", sorted(set(PAGES) - FORMER - {"/access", "/login"}))
def test_a_viewer_is_shown_a_page_without_forms_that_change_something(
    seeded: Any, open_browser: Any, path: str
) -> None:
    forms = [form for form in open_browser(seeded, Role.VIEWER).page(path).forms if form.startswith("/api/")]
    assert forms == ["/api/v1/logout"]


def test_tokens_are_not_for_viewers(seeded: Any, open_browser: Any) -> None:
    browser = open_browser(seeded, Role.VIEWER)
    answer = browser.client.get("/access")
    assert (answer.status_code, "What to do:" in answer.text) == (403, True)
    assert "/access" not in browser.page("/about").links


def test_every_page_is_under_a_strict_policy(seeded: Any, open_browser: Any) -> None:
    for path in ("/", "/login", "/nothing-here"):
        headers = open_browser(seeded).client.get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; ")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


def test_what_is_not_there_is_said_on_a_page_to_people_and_in_json_to_programs(seeded: Any, open_browser: Any) -> None:
    browser = open_browser(seeded)
    answer = browser.client.get("/nothing-here")
    assert (answer.status_code, "There is no /nothing-here here" in answer.text) == (404, True)
    assert "<h1>" in answer.text
    assert 'href="/sessions"' in answer.text
    for path, accept in (("/nothing-here", "*/*"), ("/api/v1/nothing", None)):
        headers = {"accept": accept} if accept else {}
        assert browser.client.get(path, headers=headers).json()["error"]["code"] == "not_found"


def test_plotly_is_served_from_here_and_kept_by_browsers(seeded: Any) -> None:
    answer = seeded.raw(seeded.token(Role.VIEWER)).get("/static/plotly.js")
    assert answer.headers["cache-control"] == "private, max-age=86400"
    assert answer.headers["content-encoding"] == "gzip"
    assert "plotly.js" in answer.text[:200]
