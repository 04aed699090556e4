"""Network: who is there, how they are, and what can be done with them."""

from __future__ import annotations

import re
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mmdb_writer import MMDBWriter
from netaddr import IPSet
from waiting import DEADLINE

from fedn.reducer.presence import ClientView
from fedn.security.tokens import Role
from fedn.stores.documents import Combiner

ACTIONS = [
    "/api/v1/combiners/{name}/drain",
    "/api/v1/combiners/{name}/resume",
    "/api/v1/combiners/{name}",
    "/api/v1/clients/{name}/reassign",
    "/api/v1/clients/{name}",
    "/api/v1/clients/{name}?revoke=true",
]
HOSTILE = "<script>alert(1)</script>"


def join(reducer: Any, name: str, *clients: ClientView, host: str = "localhost") -> None:
    """A combiner that says that these clients are connected to it."""
    network = reducer.services.network
    network.register(Combiner(id=name, host=host, port=1, max_clients=400, joined_at=1.0, token_id=""))
    network.update(name, joined=list(clients), left=[], processor=0.25, memory_bytes=3 * 2**20, draining=False)


def test_an_empty_network_says_what_to_do(shared: Any, open_browser: Any) -> None:
    page = open_browser(shared).page("/network")
    assert page.headings == ["Network"]
    assert "No combiner has announced itself yet. Clients need one: fedn run combiner" in page.text
    assert "No client is connected. Set-up has the command that starts one" in page.text
    assert {"/setup#clients", "/access"} <= set(page.links)
    assert page.inline == []
    viewer = open_browser(shared, Role.VIEWER).page("/network")
    assert "An operator can add some" in viewer.text
    assert not {"/setup#clients", "/access"} & set(viewer.links)


def test_combiners_and_clients_are_shown_as_they_are(reducer: Any, open_browser: Any) -> None:
    reducer.add_clients("ada", "ben")
    page = open_browser(reducer).page("/network")
    assert "c1 connected" in page.text
    assert "2 of 10,000" in page.text
    for name in ("ada", "ben"):
        assert f"{name} connected – c1" in page.text
    assert [form for form in page.forms if "combiners" in form or "clients" in form] == ACTIONS
    assert page.inline == []
    assert "Map" not in page.text


def test_loads_and_times_have_units(reducer: Any, open_browser: Any) -> None:
    seen = ClientView("ada", "c1", version="1.2", processor=0.5, memory_bytes=2**20, round_trip=0.0123, last_seen=2.0)
    join(reducer, "c1", seen)
    text = open_browser(reducer).page("/network").text
    assert "localhost:1 25 % 3.0 MiB" in text
    assert "50 % 1.0 MiB 12.3 ms 1970-01-01 00:00:02 UTC 1.2" in text


def test_a_state_has_its_reason(reducer: Any, open_browser: Any) -> None:
    browser = open_browser(reducer)
    network = reducer.services.network
    join(reducer, "away")
    network.lost("away", "the line <broke>")
    join(reducer, "drained")
    network.set_drained("drained", True)
    join(reducer, "going")
    network.update("going", joined=[], left=[], processor=0, memory_bytes=0, draining=True)
    join(reducer, "moving", ClientView("ada", "moving", leaving=True), ClientView("old", "moving", legacy=True))
    text = browser.page("/network").text
    for row in (
        "away out of reach the line <broke> 0 of 400",
        "drained draining by an operator",
        "going going down lets its round end",
        "ada moving – moving",
        "old connected without a token, as in 2021 – moving",
    ):
        assert row in text, row


def test_a_viewer_sees_all_and_can_do_nothing(reducer: Any, open_browser: Any) -> None:
    join(reducer, "c1", ClientView("ada", "c1"))
    browser = open_browser(reducer, Role.VIEWER)
    page = browser.page("/network")
    assert "ada connected – c1" in page.text
    assert page.forms == ["/api/v1/logout"]
    assert "data-manage" not in browser.client.get("/network").text


def test_hostile_names_stay_text(reducer: Any, open_browser: Any) -> None:
    names = [HOSTILE, "x" * 100, "\u202egnp.exe", '"><img src=x>']
    join(reducer, HOSTILE, *(ClientView(name, HOSTILE, version=HOSTILE) for name in names), host='"onload="x')
    browser = open_browser(reducer)
    page = browser.page("/network")
    assert page.inline == []
    assert page.loaded == browser.page("/about").loaded
    for name in names:
        assert name in page.text


def test_a_thousand_clients_are_all_there_and_few_are_drawn_at_once(reducer: Any, open_browser: Any) -> None:
    join(reducer, "c1", *(ClientView(f"site-{number:04}", "c1") for number in range(1000)))
    html = open_browser(reducer).client.get("/network").text
    assert len(re.findall('data-manage="client"', html)) == 1000
    assert len(re.findall("<tr hidden>", html)) == 900


def test_actions_post_what_the_api_takes(reducer: Any, open_browser: Any) -> None:
    browser = open_browser(reducer)
    reducer.add_clients("ada")
    reducer.add_combiner("c2")
    post = browser.client.post
    headers = {"accept": "application/json", **browser.csrf()}
    assert post("/api/v1/clients/ada/reassign", json={"combiner": "c1"}, headers=headers).status_code == 409
    assert post("/api/v1/combiners/c2/drain", headers=headers).json()["drained"] is True
    assert post("/api/v1/clients/ada/reassign", json={"combiner": "c2"}, headers=headers).status_code == 409
    assert "draining by an operator" in browser.page("/network").text
    assert post("/api/v1/combiners/c2/resume", headers=headers).json()["drained"] is False
    assert post("/api/v1/combiners/c2/drain", headers={"accept": "application/json"}).status_code == 403
    assert browser.client.delete("/api/v1/clients/ada", headers=headers).json()["combiner"] == "c1"


def test_the_graph_and_the_table_have_how_far_clients_are_in_the_round(
    reducer: Any, open_browser: Any, make_package: Any, model_file: Path
) -> None:
    operator = reducer.http(Role.OPERATOR)
    operator.upload("/api/v1/packages", make_package())
    operator.upload("/api/v1/models", model_file)
    reducer.add_clients("ada", "ben")
    assert operator.get("/api/v1/network")["standings"] == {}
    working, states = threading.Event(), {}

    def take(notice: Any) -> None:
        if notice.kind == "round_progress":
            states.update({one["client"]: one["state"] for one in notice.data["clients"]})
            if states == {"ada": "working", "ben": "working"}:
                working.set()

    unlisten = reducer.services.feed.listen(take)
    session = operator.post("/api/v1/sessions", {"rounds": 1, "round_timeout": 600})
    assert working.wait(DEADLINE)
    unlisten()
    assert operator.get("/api/v1/network")["standings"] == {"ada": "working", "ben": "working"}
    text = open_browser(reducer).page("/network").text
    for name in ("ada", "ben"):
        assert f"{name} connected training c1" in text
    operator.post(f"/api/v1/sessions/{session['id']}/stop")


def test_with_a_database_of_places_there_is_a_map_and_a_table_of_it(
    start_reducer: Any, open_browser: Any, tmp_path: Path
) -> None:
    writer = MMDBWriter(4, "Test-City")
    place = {"city": {"names": {"en": HOSTILE}}, "location": {"latitude": -59.3, "longitude": 18.1}}
    writer.insert_network(IPSet(["8.8.8.0/24"]), place)
    writer.to_db_file(str(tmp_path / "places.mmdb"))
    with ExitStack() as stack:
        reducer = start_reducer(stack, geoip_database=str(tmp_path / "places.mmdb"))
        clients = [ClientView(name, "c1", address="8.8.8.8") for name in ("ada", "ben")]
        join(reducer, "c1", *clients, ClientView("cyd", "c1", address="loopback"), host="8.8.8.8")
        page = open_browser(reducer).page("/network")
    assert page.inline == []
    assert HOSTILE in page.text
    assert "59.3° S, 18.1° E" in page.text
    assert "2 clients 59° S, 18° E" in page.text
    assert "1 client Place unknown: a private address" in page.text
