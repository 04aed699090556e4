"""What an operator is told to look at, from a real reducer with combiners, clients and stores that are there or not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from servers import MongoServer, S3Server, free_port, running
from waiting import DEADLINE

from fedn import api
from fedn.reducer import attention
from fedn.reducer.attention import Matter, Survey
from fedn.reducer.parts import Part, nearly_full
from fedn.reducer.presence import CombinerView
from fedn.rpc.http import Http
from fedn.security.tokens import Role
from fedn.stores.documents import Round, Session, Token
from fedn.stores.protocols import Insert, Put

DAY = 86_400.0


def survey(reducer: Any, *, days: float = 0.0) -> Survey:
    return attention.survey(reducer.services, now=time.time() + days * DAY)


def matters(reducer: Any, *, days: float = 0.0) -> dict[str, Matter]:
    """By kind, of which there may be one each."""
    found = survey(reducer, days=days).matters
    assert len({one.kind for one in found}) == len(found)
    return {one.kind: one for one in found}


def member(reducer: Any, role: Role, *, days: float) -> Http:
    """What a combiner or client joins with."""
    _, token = reducer.services.tokens.issue(role, days=days)
    http = Http(f"https://localhost:{reducer.port}", ca_pem=reducer.services.authority.certificate_pem, token=token)
    reducer.stack.callback(http.close)
    return http


def until(reducer: Any, condition: Callable[[], bool]) -> None:
    changed = threading.Event()
    unlisten = reducer.services.network.listen(changed.set)
    while not condition():
        assert changed.wait(DEADLINE)
        changed.clear()
    unlisten()


def join(reducer: Any, *, days: float) -> None:
    """The combiner c1 with the client ada."""
    network = reducer.services.network
    reducer.fleet.add_combiner("c1", member(reducer, Role.COMBINER, days=days), reducer.data_dir)
    until(reducer, lambda: any(one.connected for one in network.combiners()))
    reducer.fleet.add_client("ada", member(reducer, Role.CLIENT, days=days), reducer.data_dir / "ada", False)
    until(reducer, lambda: bool(network.clients()))


def session(**fields: Any) -> Session:
    return Session(**{"id": "s1", "rounds": 3, "created_at": time.time(), **fields})


def test_a_network_that_is_well_needs_no_attention(reducer: Any) -> None:
    join(reducer, days=30)
    found = survey(reducer)
    assert found.matters == ()
    assert [(part.kind, part.name, part.health) for part in found.parts] == [
        ("reducer", "reducer", "ok"),
        ("store", "state store", "ok"),
        ("store", "artifact store", "ok"),
        ("certificate", "certificate", "ok"),
        ("certificate", "certificate authority", "ok"),
        ("combiner", "c1", "ok"),
    ]
    ends = {part.name: part.ends_at for part in found.parts if part.ends_at}
    assert ends["certificate"] == pytest.approx(time.time() + 90 * DAY, abs=600)
    assert ends["certificate authority"] == pytest.approx(time.time() + 3650 * DAY, abs=600)


def test_who_is_missing_is_said(reducer: Any) -> None:
    assert matters(reducer).keys() == {"no_combiner"}
    reducer.add_combiner("c1")
    assert matters(reducer).keys() == {"no_client", "token_ends"}


def test_a_combiner_that_nobody_answers_for_is_an_error_before_all_warnings(reducer: Any) -> None:
    port = free_port()
    address = {"host": "localhost", "port": port, "max_clients": 5}
    reducer.http(Role.COMBINER, "gone").put("/api/v1/combiners/gone", address)
    until(reducer, lambda: "not dialled" not in reducer.services.network.combiner("gone").error)
    first, second = survey(reducer).matters
    assert (first.level, first.kind, second.level, second.kind) == ("error", "combiner_away", "warning", "no_client")
    assert first.message.startswith(f"combiner gone (localhost:{port}) ")
    assert first.message.count("combiner gone") == 1
    [part] = [one for one in survey(reducer).parts if one.kind == "combiner"]
    assert (part.health, part.about) == ("bad", first.message)


def test_a_combiner_that_is_drained_or_full_is_said_to_be(reducer: Any) -> None:
    join(reducer, days=30)
    view = reducer.services.network.combiner("c1")
    member(reducer, Role.COMBINER, days=30).put(
        "/api/v1/combiners/c1", {"host": view.host, "port": view.port, "max_clients": 1}
    )
    until(reducer, lambda: reducer.services.network.combiner("c1").clients == 1)
    full = matters(reducer)["combiner_full"]
    assert full.message == "combiner c1 has 1 of its 1 client"
    reducer.http(Role.OPERATOR).post("/api/v1/combiners/c1/drain")
    drained = matters(reducer)["combiner_draining"]
    assert "resume" in drained.hint


@pytest.mark.parametrize(("clients", "full"), [(0, False), (8, False), (9, True), (10, True), (11, True)])
def test_nine_places_of_ten_are_nearly_all(clients: int, full: bool) -> None:
    combiner = CombinerView(name="c", host="h", port=1, max_clients=10, clients=clients)
    assert nearly_full(combiner) is full


def test_a_session_that_waits_or_failed_and_who_failed_in_it_are_said(reducer: Any) -> None:
    join(reducer, days=30)
    state = reducer.services.state
    waiting = session(state="running", clients_required=2)
    state.write(Insert(waiting))
    waits = matters(reducer)["session_waits"]
    assert "1 of the 2 clients required are connected" in waits.message
    assert waits.page == "/sessions/s1"
    ends: dict[str, Any] = {"state": "failed", "rounds_done": 1, "error": "too few answered"}
    state.write(Put(replace(waiting, ended_at=time.time(), **ends)))
    fates = [*((f"client {number}", "lost") for number in range(7)), ("ben", "answered"), ("ada", "broken")]
    for number in range(attention.ROUNDS + 2):
        about: dict[str, Any] = {"number": number, "attempt": 1, "kind": "train", "model_id": "m", "state": "failed"}
        about |= {"started_at": 1.0, "ended_at": 2.0, "session_id": "s1", "id": str(number)}
        clients = [{"client": name, "state": fate} for name, fate in (fates if number else [("long ago", "lost")])]
        state.write(Insert(Round(clients=clients, **about)))
    found = matters(reducer)
    assert found.keys() == {"session_failed", "clients_failed"}
    assert found["session_failed"].message == "the last session failed after 1 of 3 rounds: too few answered"
    message = found["clients_failed"].message
    assert "8 clients failed in the newest 5 rounds" in message
    assert message.endswith(": ada, client 0, client 1, client 2, client 3 and 3 more")


def test_tokens_near_their_end_are_said_where_somebody_needs_them(reducer: Any) -> None:
    tokens = reducer.services.tokens
    tokens.issue(Role.CLIENT, days=1)  # that nobody uses
    join(reducer, days=30)
    assert matters(reducer) == {}
    combiner, client = survey(reducer, days=25).matters
    assert {combiner.kind, client.kind} == {"token_ends"}
    assert combiner.message == "the tokens of 1 connected combiner are near their end: c1"
    assert client.message == "the tokens of 1 connected client are near their end: ada"
    for _, found in reducer.services.state.find(Token, where={"role": "operator"}):
        tokens.revoke(found.id)
    tokens.issue(Role.OPERATOR, days=2)
    assert "all operators' tokens" in matters(reducer)["token_ends"].message
    tokens.issue(Role.OPERATOR, days=200)
    assert matters(reducer) == {}


def test_certificates_near_their_end_are_said(reducer: Any) -> None:
    join(reducer, days=3000)
    reducer.services.tokens.issue(Role.OPERATOR, days=3650)
    assert matters(reducer, days=70) == {}
    late = matters(reducer, days=80)["certificate_ends"]
    assert late.level == "warning"
    assert matters(reducer, days=91)["certificate_ends"].level == "error"
    assert matters(reducer, days=3600)["authority_ends"].level == "warning"
    assert matters(reducer, days=3651)["authority_ends"].level == "error"


def test_that_clients_without_tokens_are_let_in_is_said(start_reducer: Any) -> None:
    with ExitStack() as stack:
        found = matters(start_reducer(stack, legacy_clients=True))
    assert found.keys() == {"no_combiner", "legacy_clients"}


@pytest.fixture
def stored(start_reducer: Any, tmp_path: Path) -> Iterator[tuple[Any, MongoServer, S3Server]]:
    """A reducer with both stores on servers of their own."""
    with ExitStack() as stack:
        mongo = stack.enter_context(running(MongoServer(tmp_path / "mongo")))
        s3 = stack.enter_context(running(S3Server(tmp_path / "s3")))
        stores = {"statestore": mongo.settings(timeout=2.0), "storage": s3.settings()}
        yield start_reducer(stack, **stores), mongo, s3


@pytest.mark.parametrize("name", ["state store", "artifact store"])
def test_a_store_that_crashed_is_said_and_the_answer_comes_all_the_same(
    stored: tuple[Any, MongoServer, S3Server], name: str
) -> None:
    reducer, mongo, s3 = stored
    viewer, browser = reducer.http(Role.VIEWER), reducer.raw(reducer.token(Role.VIEWER))
    reducer.services.state.write(Insert(session(state="finished", ended_at=time.time())))
    server = mongo if name == "state store" else s3
    server.kill()
    found = viewer.get("/api/v1/attention")
    assert [(one["name"], one["health"]) for one in found["parts"] if one["kind"] == "store"] == [
        (one, "bad" if one == name else "ok") for one in ("state store", "artifact store")
    ]
    assert found["matters"][0]["kind"] == "store_away"
    assert name in found["matters"][0]["message"]
    if name == "state store":
        home = browser.get("/", headers={"accept": "text/html"})
        assert home.status_code == 200
        assert "The state store is out of reach" in home.text
        assert "the state store doesn&#39;t answer" in home.text
        page = browser.get("/sessions", headers={"accept": "text/html"})
        assert page.status_code == 503
        assert "The state store can't be reached" in page.text
        assert 'out of reach since <time datetime="' in page.text
        assert "data-returns" in page.text  # by this the page's script has it come back
    server.start()
    until_back(reducer, name)
    assert "store_away" not in [one["kind"] for one in viewer.get("/api/v1/attention")["matters"]]


def until_back(reducer: Any, name: str) -> None:
    """Until the reducer has found that a store is back, which it tells its watchers."""
    patience = reducer.services.patience
    with reducer.services.feed.subscribe() as subscription:
        while patience.failing(name):
            assert subscription.get(seconds=DEADLINE)


def test_viewers_may_look_and_members_may_not(shared: Any) -> None:
    answer = shared.raw(shared.token(Role.VIEWER)).get("/api/v1/attention")
    assert answer.status_code == 200
    assert answer.json().keys() == {"parts", "matters"}
    assert set(answer.json()["parts"][0]) == set(Part.__dataclass_fields__)
    assert shared.raw(shared.token(Role.CLIENT)).get("/api/v1/attention").status_code == 403


def test_it_is_to_be_had_from_python(shared: Any) -> None:
    with api.Reducer.connect(data_dir=shared.data_dir) as operator:
        assert [one["kind"] for one in operator.attention()["matters"]] == ["no_combiner"]
