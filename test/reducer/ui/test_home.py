"""Home: what is going on now."""

from __future__ import annotations

import threading
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from waiting import DEADLINE

from fedn.security.tokens import Role
from fedn.stores.documents import Event, Session
from fedn.stores.protocols import Insert


@pytest.fixture
def seeded(reducer: Any, make_package: Any, model_file: Path) -> Any:
    """A network that is set up, with nobody in it."""
    operator = reducer.http(Role.OPERATOR)
    operator.upload("/api/v1/packages", make_package())
    operator.upload("/api/v1/models", model_file)
    return reducer


def event(message: str, **fields: Any) -> Event:
    return Event(
        **{"id": uuid.uuid4().hex, "at": time.time(), "level": "info", "kind": "any", "message": message, **fields}
    )


def test_before_the_first_session_it_leads_on_with_the_set_up(seeded: Any, open_browser: Any) -> None:
    page = open_browser(seeded).page("/")
    assert "Nothing runs There has been no session yet" in page.text
    assert "/setup" in page.links
    assert "error no combiner has joined" in page.text
    assert page.inline == []
    viewer = open_browser(seeded, Role.VIEWER).page("/")
    assert "takes an operator's token" in viewer.text
    assert viewer.forms == ["/api/v1/logout"]


def test_a_running_session_is_shown_with_its_round_and_can_be_stopped(seeded: Any, open_browser: Any) -> None:
    browser, viewer = open_browser(seeded), open_browser(seeded, Role.VIEWER)
    seeded.add_clients("ada", "ben")
    working, feed = threading.Event(), seeded.services.feed
    states: dict[str, str] = {}

    def take(notice: Any) -> None:
        if notice.kind == "round_progress":
            states.update({one["client"]: one["state"] for one in notice.data["clients"]})
            if len(states) == 2 and set(states.values()) == {"working"}:
                working.set()

    unlisten = feed.listen(take)
    session = seeded.http(Role.OPERATOR).post("/api/v1/sessions", {"rounds": 7, "round_timeout": 600})
    assert working.wait(DEADLINE)
    unlisten()
    page = browser.page("/")
    assert f"Running now: session {session['id'][:8]}" in page.text
    for shown in ("1 of 7", "0 of 2", "2 training", "0 folded in"):
        assert shown in page.text
    assert "data-left" in browser.client.get("/").text
    assert f"/api/v1/sessions/{session['id']}/stop" in page.forms
    assert viewer.page("/").forms == ["/api/v1/logout"]


def test_a_page_that_follows_gets_what_it_asks_for(seeded: Any, open_browser: Any) -> None:
    client = open_browser(seeded).client
    parts = ("now", "attention", "facts", "health", "events")
    whole, some = (client.get("/", headers={"live-parts": named}).text for named in ("", "now facts"))
    assert [part for part in parts if f'id="{part}"' in whole] == list(parts)
    assert not {part for part in ("attention", "health") if f'id="{part}"' in some}
    for part in ("now", "facts"):
        begin, end = f'id="{part}"', "</section>"
        assert some.split(begin)[1].split(end)[0] == whole.split(begin)[1].split(end)[0]


def test_after_a_session_its_outcome_is_shown(seeded: Any, open_browser: Any) -> None:
    about: dict[str, Any] = {"rounds": 5, "rounds_done": 2, "state": "failed", "error": "too few <clients> answered"}
    seeded.services.state.write(Insert(Session(id="s1", created_at=1.0, ended_at=time.time(), **about)))
    page = open_browser(seeded).page("/")
    assert "failed, 2 of 5 rounds done." in page.text
    assert "error the last session failed after 2 of 5 rounds: too few <clients> answered" in page.text
    assert {"/sessions/s1", "/sessions"} <= set(page.links)


def test_the_newest_events_are_there_and_what_clients_say_all_the_time_is_not(seeded: Any, open_browser: Any) -> None:
    hostile = "<script>alert(1)</script>"
    state = seeded.services.state
    state.write(Insert(event(hostile, source="client <b>x</b>")))
    for number in range(30):
        state.write(Insert(event(f"chatter {number}", kind="client_status", level="audit")))
    state.write(Insert(event("a client's trouble", kind="client_status", level="error")))
    page = open_browser(seeded).page("/")
    assert (hostile in page.text, "client <b>x</b>" in page.text, page.inline) == (True, True, [])
    assert "chatter" not in page.text
    assert "a client's trouble" in page.text


def test_every_part_is_listed_with_how_it_is(seeded: Any, open_browser: Any) -> None:
    seeded.add_clients("ada")
    text = open_browser(seeded).page("/").text
    for part in ("good reducer", "good state store", "good artifact store", "good certificate", "good combiner c1"):
        assert part in text
    assert "90 days left" in text
    assert "connected, 1 of 10000 clients" in text
