from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fedn.errors import InvalidInput, NotFound, NotReady, SessionRunning
from fedn.reducer import sessions
from fedn.reducer.feed import Notice
from fedn.security.tokens import Role
from fedn.stores.documents import Round, Session, Validation
from fedn.stores.protocols import Insert, Put

ENDED = ("finished", "failed", "stopped")


@pytest.fixture
def ready(reducer: Any, model_file: Path, make_package: Any) -> Any:
    """A reducer with all that a session takes."""
    http = reducer.http(Role.OPERATOR)
    http.upload("/api/v1/packages", make_package())
    http.upload("/api/v1/models", model_file)
    reducer.add_clients("a", "b")
    return reducer


def sse(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    """The events of a stream, comments left out."""
    kind = ""
    for line in lines:
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))


def test_a_session_is_started_watched_and_stopped(ready: Any) -> None:
    http = ready.http(Role.OPERATOR)
    session = http.post("/api/v1/sessions", {"rounds": 3, "round_timeout": 60, "parameters": {"lr": 0.1}})
    assert (session["state"], session["rounds"], session["parameters"]) == ("queued", 3, {"lr": 0.1})
    assert session["start_model"] == http.get("/api/v1/network")["reducer"]["latest_model"]
    path = f"/api/v1/sessions/{session['id']}"
    seen = []
    for kind, data in sse(http.lines(f"{path}/watch")):
        seen.append((kind, data))
        if kind == "round_started" or (kind == "session" and data["state"] == "running"):
            http.post(f"{path}/stop")
    assert seen[0][0] == "session"
    assert seen[-1][0] == "session"
    assert seen[-1][1] == http.get(path)
    assert http.get(path)["state"] == "stopped"
    assert http.get("/api/v1/sessions")["items"] == [http.get(path)]
    assert http.get("/api/v1/network")["reducer"]["session_id"] == ""


def test_all_is_optional_and_defaults_are_those_of_a_session(ready: Any) -> None:
    session = ready.http(Role.OPERATOR).post("/api/v1/sessions")
    defaults = Session(id=session["id"], rounds=1, created_at=session["created_at"]).to_body()
    assert session == {**defaults, "start_model": session["start_model"]}


def test_watching_a_session_that_has_ended_shows_its_end_and_ends(ready: Any) -> None:
    http = ready.http(Role.OPERATOR)
    session = http.post("/api/v1/sessions")
    http.post(f"/api/v1/sessions/{session['id']}/stop")
    path = f"/api/v1/sessions/{session['id']}/watch"
    last = list(sse(http.lines(path)))[-1]
    assert last[1]["state"] in ENDED
    assert list(sse(http.lines(path))) == [last]


def test_an_end_that_nobody_told_is_noticed(reducer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "QUIET_SECONDS", 0.01)
    session = Session(id="s", rounds=1, created_at=0.0, state="running")
    reducer.services.state.write(Insert(session))
    events = sse(reducer.http(Role.VIEWER).lines("/api/v1/sessions/s/watch"))
    assert next(events)[1]["state"] == "running"
    reducer.services.state.write(Put(replace(session, state="failed", ended_at=1.0)))
    assert [data["state"] for _, data in events] == ["failed"]


def test_what_is_shown_at_first_is_not_told_once_more(reducer: Any) -> None:
    queued = Session(id="s", rounds=2, created_at=0.0, state="queued")
    reducer.services.state.write(Insert(queued))
    feed = reducer.services.feed
    begun = {"round_id": "r1", "number": 1, "attempt": 1, "kind": "train", "clients": ["a"], "combiners": {"c1": 1}}
    with feed.subscribe() as subscription:
        feed.publish(Notice("session", "s", replace(queued, state="running").to_body()))
        feed.publish(Notice("round_started", "s", begun))
        feed.publish(Notice("round_finished", "s", {"round_id": "r1"}))
        feed.publish(Notice("round_started", "s", {**begun, "round_id": "r2"}))
        watching = sessions.watch(reducer.services, "s", subscription)
        shown = [next(watching) for _ in range(3)]
        assert [notice.kind for notice in shown] == ["session", "round_started", "round_progress"]
        assert (shown[0].data["state"], shown[1].data["round_id"]) == ("running", "r2")
        feed.publish(Notice("round_finished", "s", {"round_id": "r2"}))
        assert next(watching).data == {"round_id": "r2"}


def test_whoever_watches_hears_that_all_is_well_while_others_make_the_noise(
    reducer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "QUIET_SECONDS", 0.3)
    reducer.services.state.write(Insert(Session(id="s", rounds=1, created_at=0.0, state="running")))
    with reducer.services.feed.subscribe() as subscription:
        watching = sessions.watch(reducer.services, "s", subscription)
        assert next(watching) is not None
        over = threading.Event()

        def chatter() -> None:
            while not over.wait(0.05):
                reducer.services.feed.publish(Notice("network"))

        with ThreadPoolExecutor(1) as pool:
            pool.submit(chatter)
            try:
                assert [next(watching), next(watching)] == [None, None]
            finally:
                over.set()


def test_one_session_at_a_time_however_many_ask_at_once(ready: Any) -> None:
    client = ready.raw(ready.token(Role.OPERATOR))

    def ask(_: int) -> str:
        answer = client.post("/api/v1/sessions", json={"round_timeout": 60})
        return "started" if answer.status_code == 201 else answer.json()["error"]["code"]

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(ask, range(8)))
    assert sorted(outcomes) == ["session_running"] * 7 + ["started"]
    assert len(ready.http(Role.VIEWER).get("/api/v1/sessions")["items"]) == 1


def test_no_seed_while_a_session_runs(ready: Any, model_file: Path) -> None:
    http = ready.http(Role.OPERATOR)
    http.post("/api/v1/sessions", {"round_timeout": 60})
    with pytest.raises(SessionRunning, match="fedn session stop"):
        http.upload("/api/v1/models", model_file)


def test_each_missing_step_is_told_with_what_to_do(reducer: Any, model_file: Path, make_package: Any) -> None:
    http = reducer.http(Role.OPERATOR)
    with pytest.raises(NotReady, match=r"no model to start from.*fedn model seed"):
        http.post("/api/v1/sessions")
    http.upload("/api/v1/models", model_file)
    with pytest.raises(NotReady, match=r"no compute package.*fedn package upload"):
        http.post("/api/v1/sessions")
    reducer.add_clients("a")
    with pytest.raises(NotReady, match="no compute package"):
        http.post("/api/v1/sessions")
    http.upload("/api/v1/packages", make_package())
    with pytest.raises(NotReady, match="1 of the 3 clients required are connected"):
        http.post("/api/v1/sessions", {"clients_required": 3})
    assert http.get("/api/v1/sessions")["items"] == []
    assert http.get("/api/v1/network")["reducer"]["session_id"] == ""


def test_clients_that_need_no_package_need_none(reducer: Any, model_file: Path) -> None:
    http = reducer.http(Role.OPERATOR)
    http.upload("/api/v1/models", model_file)
    reducer.add_clients("a", needs_package=False)
    assert http.post("/api/v1/sessions")["state"] == "queued"


def test_a_session_starts_from_the_model_that_is_asked_for(ready: Any, model_file: Path) -> None:
    http = ready.http(Role.OPERATOR)
    former = http.get("/api/v1/network")["reducer"]["latest_model"]
    http.upload("/api/v1/models", model_file)
    with pytest.raises(NotFound, match="no model 'none'"):
        http.post("/api/v1/sessions", {"start_model": "none"})
    assert http.post("/api/v1/sessions", {"start_model": former})["start_model"] == former


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rounds": 0}, "rounds: "),
        ({"rounds": "many"}, "rounds: "),
        ({"round_timeout": 0}, "round_timeout: "),
        ({"round_timeout": 1e300}, "round_timeout: "),
        ({"clients_required": 0}, "clients_required: "),
        ({"clients_required": 3, "clients_requested": 2}, "clients_requested is 2, but clients_required is 3"),
        ({"fraction": 1.5}, "fraction: "),
        ({"seed": 2**64}, "seed: "),
        ({"strategy": "magic"}, "no strategy 'magic'"),
        ({"attempts": 0}, "attempts: "),
        ({"parameters": [1]}, "parameters: "),
        ({"validate": "perhaps"}, "validate: "),
    ],
)
def test_what_makes_no_sense_is_refused_in_plain_words(shared: Any, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        shared.http(Role.OPERATOR).post("/api/v1/sessions", wrong)


def test_there_is_no_such_session_or_round(shared: Any) -> None:
    http = shared.http(Role.OPERATOR)
    for path in ("/api/v1/sessions/none", "/api/v1/sessions/none/watch", "/api/v1/rounds/none"):
        with pytest.raises(NotFound):
            http.get(path)
    with pytest.raises(NotFound):
        http.post("/api/v1/sessions/none/stop")


def test_rounds_and_validations_are_found_by_what_they_belong_to(reducer: Any) -> None:
    attempt = {"number": 1, "attempt": 1, "kind": "train", "model_id": "m", "started_at": 0.0, "ended_at": 1.0}
    found = {"round_id": "r", "client": "a", "combiner": "c", "examples": 2, "data": {}, "at": 0.0}
    state = reducer.services.state
    for session in ("s1", "s2"):
        clients = [{"client": "a", "state": "answered"}]
        state.write(Insert(Round(id=f"r-{session}", session_id=session, state="finished", clients=clients, **attempt)))
        for model in ("m1", "m2"):
            metrics = {"loss": float("nan"), "accuracy": 0.5}
            one = Validation(id=f"{session}{model}", session_id=session, model_id=model, metrics=metrics, **found)
            state.write(Insert(one))
    http = reducer.http(Role.VIEWER)
    assert [one["id"] for one in http.get("/api/v1/rounds")["items"]] == ["r-s2", "r-s1"]
    [listed] = http.get("/api/v1/rounds", session_id="s1")["items"]
    assert "clients" not in listed
    assert http.get("/api/v1/rounds/r-s1") == {**listed, "clients": [{"client": "a", "state": "answered"}]}
    [validation] = http.get("/api/v1/validations", session_id="s2", model_id="m1")["items"]
    assert validation["id"] == "s2m1"
    assert validation["metrics"] == {"loss": None, "accuracy": 0.5}
    assert len(http.get("/api/v1/validations", model_id="m2")["items"]) == 2
    assert http.get("/api/v1/validations", model_id="m3")["items"] == []
