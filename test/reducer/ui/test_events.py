"""The pages of events and audit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from fedn.security.tokens import Role
from fedn.stores.documents import Event
from fedn.stores.protocols import Insert

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def busy(start_reducer: Any) -> Iterator[Any]:
    """A network in which something happened."""
    with ExitStack() as stack:
        reducer = start_reducer(stack)
        for number in range(120):
            level = "error" if number == 0 else "info"
            message = HOSTILE if number == 110 else f"event {number}"
            body = {"at": 1_700_000_000.0 + number, "level": level, "kind": "tested", "message": message}
            reducer.services.state.write(Insert(Event(id=str(number), **body)))
        reducer.http(Role.OPERATOR).post("/api/v1/tokens", {"role": "viewer", "name": "Ada"})
        yield reducer


def test_events_come_a_page_at_a_time_and_stay_text(busy: Any, open_browser: Any) -> None:
    browser = open_browser(busy)
    page = browser.page("/events")
    assert HOSTILE in page.text
    assert not page.inline
    assert "event 119" in page.text
    assert "event 5 " not in page.text
    [older] = [link for link in page.links if "before=" in link]
    assert "event 5 " in browser.page(older).text


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("level=error", "event 0 ", "event 1 "),
        ("text=EVENT+11", "event 119", "event 20 "),
        ("since=2023-11-14T22:15", "event 119", "event 3 "),
        ("until=2023-11-14T22:14", "event 39", "event 45"),
        ("kind=token_created", "token for a viewer created", "event 119"),
    ],
)
def test_events_are_filtered_and_exported_by_the_same_filters(
    busy: Any, open_browser: Any, query: str, shown: str, hidden: str
) -> None:
    browser = open_browser(busy, Role.VIEWER)
    page = browser.page(f"/events?{query}")
    exported = browser.client.get(next(link for link in page.links if "format=csv" in link)).text
    for text in (page.text, exported):
        assert shown.strip() in text
    assert hidden not in page.text
    assert f"{hidden.strip()}," not in exported


def test_a_filter_that_finds_nothing_and_one_that_can_t_be_read_say_so(busy: Any, open_browser: Any) -> None:
    browser = open_browser(busy)
    assert "None that fits" in browser.page("/events?text=nothing+of+it").text
    for query, told in (("since=soon", "is no time"), ("level=loud", "Level: ")):
        answer = browser.client.get(f"/events?{query}")
        assert (answer.status_code, told in answer.text) == (400, True)


def test_the_audit_shows_what_people_did_and_by_whom(busy: Any, open_browser: Any) -> None:
    page = open_browser(busy, Role.VIEWER).page("/audit")
    assert "token for a viewer created" in page.text
    assert "name Ada" in page.text
    assert "event 119" not in page.text


def test_programs_get_the_events_of_2021_at_the_same_address(busy: Any) -> None:
    found = busy.raw(busy.token(Role.VIEWER)).get("/events").json()["result"]
    assert len(found) == 100
