"""Sessions: started, watched, compared, in a browser."""

from __future__ import annotations

import html
import re
import uuid
from pathlib import Path
from typing import Any

import pytest

from fedn.reducer.api.requests import SessionRequest
from fedn.security.tokens import Role
from fedn.stores.document import Document
from fedn.stores.documents import Event, Model, Round, Session, Tag
from fedn.stores.protocols import Insert

HOSTILE = "<img src=x onerror=alert(1)>"


def put(reducer: Any, *documents: Document) -> None:
    reducer.services.state.write(*map(Insert, documents))


def a_session(**fields: Any) -> Session:
    given = {"id": str(uuid.uuid4()), "rounds": 2, "created_at": 1000.0, "started_at": 1001.0, **fields}
    return Session(**given)


def an_ended_session(**fields: Any) -> Session:
    return a_session(**{"state": "finished", "rounds_done": 2, "ended_at": 1071.0, **fields})


def a_round(session: Session, **fields: Any) -> Round:
    given: dict[str, Any] = {
        "id": uuid.uuid4().hex,
        "session_id": session.id,
        "number": 1,
        "attempt": 1,
        "kind": "train",
        "model_id": "m0",
        "started_at": 1001.0,
        "ended_at": 1003.5,
        "state": "finished",
        "combiners": [{"name": "c1", "asked": 3, "answered": 2, "seconds": {"clients": 2.0}}],
        "clients": [
            a_client("ada"),
            a_client("ben"),
            a_client("cyd", state="broken", detail="it printed this", bytes=0),
        ],
        "seconds": {"waiting": 0.0, "combine": 2.0, "reduce": 0.25, "commit": 0.125, "total": 2.5},
        "result_model": "m1",
        **fields,
    }
    return Round(**given)


def a_client(name: str, **fields: Any) -> dict[str, Any]:
    seconds = {"fetch_model": 0.25, "exec_training": 1.5, "upload_model": 0.125, "processing_time": 1.875}
    given = {"client": name, "combiner": "c1", "state": "answered", "detail": "", "examples": 7, "bytes": 1024}
    return {**given, "seconds": seconds, **fields}


def a_model(model_id: str, session: Session | None = None, **fields: Any) -> Model:
    given = {"id": model_id, "size": 1, "sha256": "0" * 64, "committed_at": 1003.0, **fields}
    return Model(session_id=session.id if session else "", **given)


@pytest.fixture
def seeded(reducer: Any, model_file: Path, make_package: Any) -> Any:
    """A network that is set up, with a client that never finishes."""
    http = reducer.http(Role.OPERATOR)
    http.upload("/api/v1/packages", make_package())
    http.upload("/api/v1/models", model_file)
    return reducer


def test_the_form_has_every_option_with_its_default_and_a_line_on_it(seeded: Any, open_browser: Any) -> None:
    text = open_browser(seeded).client.get("/sessions").text
    form = text[text.index('data-api="/api/v1/sessions"') : text.index("<button>Start</button>")]
    defaults = SessionRequest.model_validate({}).model_dump(by_alias=True)
    for name in defaults:
        assert f'id="{name}" name="{name}"' in form
        assert f'aria-describedby="about-{name}"' in form
        assert f'id="about-{name}" class="about">' in form
    for shown in (
        'value="180"',
        "<option selected>fedavg</option>",
        'name="validate" checked',
        'placeholder="epochs = 3"',
    ):
        assert shown in form
    assert form.index("<details") < form.index('id="seed"') < form.index("</details>")


def test_a_session_is_started_from_the_model_that_the_address_names(seeded: Any, open_browser: Any) -> None:
    seeded.add_clients("ada")
    browser = open_browser(seeded)
    [model] = seeded.http(Role.VIEWER).get("/api/v1/models")["items"]
    put(seeded, Tag(id="best", model_id=model["id"], at=1.0))
    text = browser.client.get("/sessions", params={"start_model": f'best"{HOSTILE}'}).text
    assert 'value="best&#34;&lt;img' in text
    assert '<option value="best">' in text
    answer = browser.client.post("/api/v1/sessions", json={"rounds": 3, "start_model": "best"}, headers=browser.csrf())
    assert (answer.status_code, answer.json()["start_model"]) == (201, model["id"])
    for path in ("/sessions", f"/sessions/{answer.json()['id']}"):
        page = browser.page(path)
        assert "0 of 3" in page.text
    assert f"/api/v1/sessions/{answer.json()['id']}/stop" in page.forms
    assert "Running now" in browser.page("/sessions").text


def test_what_a_session_came_to_is_listed(seeded: Any, open_browser: Any) -> None:
    done, failed = an_ended_session(model_id="m1"), a_session(state="failed", ended_at=1002.0, error="why")
    put(seeded, done, failed, a_model("m1", done, metrics={"accuracy": 0.25, HOSTILE: 2.0}))
    page = open_browser(seeded).page("/sessions")
    assert "finished 2 of 2" in page.text
    assert f"70.0 s {HOSTILE} 2.0000, accuracy 0.2500" in page.text
    assert "failed 0 of 2" in page.text
    assert "Running now" not in page.text
    assert page.inline == []


def test_a_long_list_is_read_page_by_page(seeded: Any, open_browser: Any) -> None:
    made = [an_ended_session() for _ in range(30)]
    put(seeded, *made)
    browser, seen, path = open_browser(seeded), [], "/sessions"
    for _ in range(2):
        page = browser.page(path)
        seen += [link.rpartition("/")[2] for link in page.links if link.startswith("/sessions/")]
        [path] = [link for link in page.links if "?before=" in link] or [""]
    assert seen == [one.id for one in reversed(made)]
    assert path == ""


def test_a_session_is_shown_with_its_rounds_options_and_events(seeded: Any, open_browser: Any) -> None:
    session = an_ended_session(
        model_id="m1",
        start_model="m0",
        seed=0,
        fraction=0.5,
        parameters={"epochs": 3, HOSTILE: [1]},
        round_timeout=90.0,
    )
    event = Event(id="e", at=1.0, level="info", kind="k", message=HOSTILE, session_id=session.id)
    other = Event(id="f", at=1.0, level="info", kind="k", message="of another session", session_id="x")
    trained = a_round(session)
    validated = a_round(session, kind="validate", model_id="m1", result_model="")
    put(seeded, session, event, other, trained, validated, a_model("m1", session, metrics={"accuracy": 0.5}))
    page = open_browser(seeded).page(f"/sessions/{session.id}")
    assert f"Session {session.id[:8]}" in page.headings[0]
    assert "1 training 1 finished" in page.text
    assert "2 of 3 2.0 KiB 2.5 s model m1" in page.text
    assert "2 of 3 – 2.5 s accuracy 0.5000" in page.text
    assert "50 % of those connected" in page.text
    assert "Random seed 0" in page.text
    assert f"epochs = 3{HOSTILE} = [1]" in page.text
    assert HOSTILE in page.text
    assert "of another session" not in page.text
    assert page.inline == []
    assert f"/api/v1/sessions/{session.id}/stop" not in page.forms
    for of in (trained, validated):
        assert f"/sessions/{session.id}/rounds/{of.id}" in page.links


def test_a_round_is_shown_with_what_became_of_each_client(seeded: Any, open_browser: Any) -> None:
    session = an_ended_session()
    long = "line\n" * 100
    clients = [a_client(HOSTILE), a_client("ben", state="broken", detail=long, bytes=0, examples=0, seconds={})]
    one = a_round(session, clients=clients)
    put(seeded, session, one)
    browser = open_browser(seeded)
    page = browser.page(f"/sessions/{session.id}/rounds/{one.id}")
    assert f"{HOSTILE} c1 answered 7 1.0 KiB 250 ms 1.5 s 125 ms –" in page.text
    assert "ben c1 broken – – – – –" in page.text
    assert "line " * 100 in page.text
    assert "training 1.5 s" in page.text
    assert page.inline == []
    for path in (f"/sessions/other/rounds/{one.id}", f"/sessions/{session.id}/rounds/none", "/sessions/none"):
        answer = browser.client.get(path)
        assert (answer.status_code, "That did not work" in answer.text) == (404, True)


def test_a_session_that_failed_says_why_and_what_to_do(seeded: Any, open_browser: Any) -> None:
    session = a_session(state="failed", ended_at=1010.0, error="round 1 failed 2 times", start_model="m0")
    silent = [a_client(f"c{number}", state="broken", detail=f"why {number}") for number in range(7)]
    last = a_round(session, state="failed", attempt=2, error="too few", clients=[a_client("ada"), *silent])
    put(seeded, session, a_round(session, state="failed"), last)
    page = open_browser(seeded).page(f"/sessions/{session.id}")
    assert "The session failed: round 1 failed 2 times." in page.text
    assert "In round 1, attempt 2:" in page.text
    assert "c0: broken, why 0" in page.text
    assert "and 2 more" in page.text
    assert "What to do: Mend what the clients printed" in page.text
    assert f"/sessions/{session.id}/rounds/{last.id}" in page.links
    assert "/sessions?start_model=m0" in page.links
    alone = a_session(state="failed", ended_at=1010.0, error="too few came")
    put(seeded, alone)
    assert "See that enough clients are connected." in open_browser(seeded).page(f"/sessions/{alone.id}").text


def test_a_viewer_sees_all_and_changes_nothing(seeded: Any, open_browser: Any) -> None:
    running, failed = a_session(state="running"), a_session(state="failed", ended_at=1002.0, error="why")
    put(seeded, failed, running)
    viewer = open_browser(seeded, Role.VIEWER)
    for path in ("/sessions", f"/sessions/{running.id}", f"/sessions/{failed.id}"):
        page = viewer.page(path)
        assert [form for form in page.forms if form.startswith("/api/")] == ["/api/v1/logout"]
        assert not any("start_model" in link for link in page.links)
    assert viewer.client.post(f"/api/v1/sessions/{running.id}/stop", headers=viewer.csrf()).status_code == 403


def test_with_nothing_there_it_says_what_to_do(seeded: Any, open_browser: Any) -> None:
    assert "None yet. Start one above" in open_browser(seeded).page("/sessions").text
    assert "None yet. An operator starts one" in open_browser(seeded, Role.VIEWER).page("/sessions").text
    session = a_session(state="queued", started_at=None)
    put(seeded, session)
    page = open_browser(seeded).page(f"/sessions/{session.id}")
    assert "No round has ended yet" in page.text
    assert "The session is about to begin" in page.text


def test_before_set_up_it_leads_there_and_the_address_of_2021_here(reducer: Any, open_browser: Any) -> None:
    browser = open_browser(reducer)
    answer = browser.client.get("/sessions")
    assert (answer.status_code, answer.headers["location"]) == (303, "/setup")
    answer = browser.client.get("/control")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sessions")


def test_a_query_that_is_not_known_is_refused_in_words(seeded: Any, open_browser: Any) -> None:
    answer = open_browser(seeded).client.get("/sessions?before=x")
    assert (answer.status_code, "That did not work" in answer.text) == (400, True)


def test_sessions_are_compared_side_by_side(seeded: Any, open_browser: Any) -> None:
    first = an_ended_session(rounds=2, strategy="fedavg", parameters={"epochs": 1})
    second = an_ended_session(rounds=5, strategy="fedavg", parameters={"epochs": 2, HOSTILE: 1})
    put(seeded, first, second, a_round(first), a_round(second, seconds={"total": 5.0}))
    for session, value in ((first, 0.25), (second, 0.5)):
        model = a_model(f"m-{session.id}", session, number=1, metrics={"accuracy": value, HOSTILE: value})
        put(seeded, model, a_round(session, kind="validate", model_id=model.id, seconds={"total": 0.0}))
    browser = open_browser(seeded, Role.VIEWER)
    query = f"session_id={first.id}&session_id={second.id}"
    page = browser.page(f"/sessions/compare?{query}&metric=accuracy")
    assert "Rounds asked for 2 5" in page.text
    assert "Strategy" not in page.text
    assert "epochs = 1" in page.text
    assert f"{HOSTILE} = 1" in page.text
    assert "Time per round, median 2.5 s 5.0 s" in page.text
    assert "accuracy, best 0.2500 in round 1 0.5000 in round 1 best" in page.text
    assert page.inline == []
    text = browser.client.get(f"/sessions/compare?{query}&metric=accuracy").text
    drawn = [html.unescape(one) for one in re.findall('data-plot="([^"]*)"', text)]
    assert len(drawn) == 2
    for address in drawn:
        assert len(browser.client.get(address).json()["data"]) == 2


@pytest.mark.parametrize("count", [0, 1])
def test_to_compare_two_are_wanted(seeded: Any, open_browser: Any, count: int) -> None:
    session = an_ended_session()
    put(seeded, session)
    page = open_browser(seeded).page(f"/sessions/compare?{f'session_id={session.id}' * count}")
    assert "tick them in the list of sessions" in page.text
