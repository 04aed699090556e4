from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

import pytest

from fedn.errors import InvalidInput, Unavailable
from fedn.reducer import streams
from fedn.reducer.feed import Notice
from fedn.security.tokens import Role
from fedn.stores.documents import Event
from fedn.stores.protocols import Insert


def test_events_are_listed_newest_first_and_by_level(reducer: Any) -> None:
    for number, level in enumerate(["info", "error", "info"]):
        reducer.services.state.write(
            Insert(Event(id=str(number), at=float(number), level=level, kind="test", message=f"message {number}"))
        )
    http = reducer.http(Role.VIEWER)
    assert [one["id"] for one in http.get("/api/v1/events")["items"]] == ["2", "1", "0"]
    assert [one["id"] for one in http.get("/api/v1/events", level="info")["items"]] == ["2", "0"]
    page = http.get("/api/v1/events", limit=2)
    assert [one["id"] for one in http.get("/api/v1/events", limit=2, before=page["next"])["items"]] == ["0"]
    with pytest.raises(InvalidInput):
        http.get("/api/v1/events", level="loud")


def test_what_happens_is_told_as_it_happens(reducer: Any) -> None:
    lines = reducer.http(Role.VIEWER).lines("/api/v1/events/watch")
    assert next(lines) == ": watching"
    reducer.services.feed.publish(Notice("event", data={"message": "å\nb", "loss": float("inf")}))
    assert next(lines) == ""
    assert next(lines) == "event: event"
    assert json.loads(next(lines).removeprefix("data: ")) == {"message": "å\nb", "loss": None}
    lines.close()


def test_a_quiet_stream_is_kept_alive(reducer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "QUIET_SECONDS", 0.01)
    lines = reducer.http(Role.VIEWER).lines("/api/v1/events/watch")
    assert [next(lines) for _ in range(5)] == [": watching", "", ": still here", "", ": still here"]
    lines.close()


def test_too_many_watchers_are_sent_away_and_others_still_served(reducer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "QUIET_SECONDS", 0.01)
    http = reducer.http(Role.VIEWER)
    client = reducer.raw(reducer.token(Role.VIEWER))
    with ExitStack() as stack:
        for _ in range(streams.LIMIT):
            assert stack.enter_context(client.stream("GET", "/api/v1/events/watch")).status_code == 200
        with pytest.raises(Unavailable, match=f"{streams.LIMIT} others watch already"):
            http.get("/api/v1/events/watch")
        assert http.get("/api/v1/health")["status"] == "ok"
    # Those who left are noticed when there is something to tell them.
    while client.head("/api/v1/events/watch").status_code == 503:
        pass


def test_a_reducer_that_stops_ends_its_streams(start_reducer: Any) -> None:
    with ExitStack() as stack:
        reducer = start_reducer(stack)
        lines = reducer.http(Role.VIEWER).lines("/api/v1/events/watch")
        assert next(lines) == ": watching"
        reducer.services.feed.close()
        assert list(lines) == [""]
