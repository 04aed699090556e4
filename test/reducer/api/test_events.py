from __future__ import annotations

import csv
import io
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


def fill(reducer: Any) -> None:
    for number, (kind, source, message) in enumerate(
        [("a", "reducer", "=HYPERLINK(1)"), ("b", "c1", 'Disk, "full"'), ("b", "reducer", "disk\nempty")]
    ):
        event = Event(
            id=str(number),
            at=1_700_000_000.0 + number,
            level="info",
            kind=kind,
            message=message,
            source=source,
            session_id=f"s{number}",
            data={"n": number} if number else {},
        )
        reducer.services.state.write(Insert(event))


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({}, "210"),
        ({"kind": "b"}, "21"),
        ({"source": "reducer"}, "20"),
        ({"session_id": "s1"}, "1"),
        ({"since": 1_700_000_001}, "21"),
        ({"until": 1_700_000_001}, "0"),
        ({"since": 1_700_000_001, "until": 1_700_000_001.5}, "1"),
        ({"text": "DISK"}, "21"),
        ({"text": "disk", "kind": "b", "source": "c1", "level": "info"}, "1"),
        ({"text": "%"}, ""),
    ],
)
def test_events_are_filtered_alike_in_lists_and_exports(reducer: Any, filters: dict[str, Any], ids: str) -> None:
    fill(reducer)
    http = reducer.http(Role.VIEWER)
    assert "".join(one["id"] for one in http.get("/api/v1/events", **filters)["items"]) == ids
    page, pages = http.get("/api/v1/events", limit=1, **filters), ""
    while True:
        pages += "".join(one["id"] for one in page["items"])
        if page["next"] is None:
            break
        page = http.get("/api/v1/events", limit=1, before=page["next"], **filters)
    assert pages == ids
    exported = http.get("/api/v1/events/export", format="json", **filters)
    assert "".join(one["id"] for one in exported) == ids


@pytest.mark.parametrize("format", ["csv", "json"])
def test_an_export_that_can_t_be_begins_no_file(shared: Any, format: str) -> None:  # noqa: A002
    answer = shared.raw(shared.token(Role.VIEWER)).get("/api/v1/events/export", params={"kind": "\0", "format": format})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_input")


def test_events_are_exported_as_a_table_that_computes_nothing(reducer: Any) -> None:
    fill(reducer)
    answer = reducer.raw(reducer.token(Role.VIEWER)).get("/api/v1/events/export")
    assert answer.headers["content-disposition"] == "attachment; filename=events.csv"
    assert answer.headers["content-type"].startswith("text/csv")
    assert list(csv.reader(io.StringIO(answer.text, newline=""))) == [
        ["time", "level", "kind", "source", "session", "message", "data", "id"],
        ["2023-11-14T22:13:22.000+00:00", "info", "b", "reducer", "s2", "disk\nempty", '{"n":2}', "2"],
        ["2023-11-14T22:13:21.000+00:00", "info", "b", "c1", "s1", 'Disk, "full"', '{"n":1}', "1"],
        ["2023-11-14T22:13:20.000+00:00", "info", "a", "reducer", "s0", "'=HYPERLINK(1)", "", "0"],
    ]


def test_an_export_that_can_not_begin_is_an_error(reducer: Any) -> None:
    http = reducer.http(Role.VIEWER)
    with pytest.raises(InvalidInput):
        http.get("/api/v1/events/export", format="xml")
    with pytest.raises(InvalidInput):
        http.get("/api/v1/events/export", since=-1)
    reducer.services.state.close()
    with pytest.raises(Unavailable):
        http.get("/api/v1/events/export", format="json")


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
