from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from fedn.errors import Conflict, Forbidden, InvalidInput, NotReady, SessionRunning
from fedn.security.tokens import Role


@pytest.fixture
def legacy(start_reducer: Any) -> Iterator[Any]:
    with ExitStack() as stack:
        yield start_reducer(stack, legacy_clients=True)


def test_a_client_of_2021_is_assigned_once_there_is_room(legacy: Any, make_package: Any) -> None:
    http = legacy.http(Role.CLIENT)
    assert http.get("/assign", name="old")["status"] == "retry"
    legacy.http(Role.OPERATOR).upload("/api/v1/packages", make_package())
    legacy.add_combiner("c1")
    combiner = legacy.services.network.combiner("c1")
    assignment = http.get("/assign", name="old", combiner="c1")
    certificate = base64.b64decode(assignment.pop("certificate"))
    assert certificate == legacy.services.authority.certificate_pem
    assert assignment == {
        "status": "assigned",
        "host": combiner.host,
        "ip": combiner.host,
        "port": combiner.port,
        "model_type": "numpyarray",
    }


def test_clients_of_2021_are_let_in_only_where_the_settings_say_so(shared: Any) -> None:
    with pytest.raises(Forbidden, match="legacy_clients: true"):
        shared.http(Role.CLIENT).get("/assign", name="old")


def test_a_combiner_announces_itself_and_gets_no_secrets(reducer: Any) -> None:
    http = reducer.http(Role.COMBINER)
    assert http.get("/add", name="c1", address="127.0.0.1", port=9) == {"status": "added", "network_id": "fedn-network"}
    shown = reducer.services.network.combiner("c1")
    assert (shown.host, shown.port, shown.max_clients) == ("127.0.0.1", 9, 30)
    with pytest.raises(InvalidInput, match="port: "):
        http.get("/add", name="c1", address="127.0.0.1", port="x")


def test_the_package_is_taken_shown_and_summed(reducer: Any, make_package: Any, tmp_path: Path) -> None:
    client = reducer.http(Role.CLIENT)
    for path in ("/context", "/checksum"):
        with pytest.raises(NotReady, match="no compute package"):
            client.get(path)
    plain = make_package(manifest=b"entry_points: {train: {command: python3 train.py}}")
    operator = reducer.raw(reducer.token(Role.OPERATOR))
    with plain.open("rb") as file:
        answer = operator.post("/context", files={"file": ("mine.tgz", file)}, data={"helper": "keras"}).json()
    assert (answer["status"], answer["name"], answer["helper"]) == ("added", "mine.tgz", "keras")
    client.download("/context?name=mine.tgz", tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == plain.read_bytes()
    assert client.get("/checksum") == {"checksum": answer["md5"], "sha256": answer["id"]}


def test_the_settings_file_for_clients_lets_them_in(reducer: Any, make_package: Any) -> None:
    package = reducer.http(Role.OPERATOR).upload("/api/v1/packages", make_package())
    settings = yaml.safe_load(reducer.http(Role.OPERATOR).read("/config/download"))
    controller = settings["controller"]
    assert settings["network_id"] == "fedn-network"
    assert (controller["discover_host"], controller["discover_port"]) == ("localhost", reducer.port)
    assert controller["checksum"] == package["md5"]
    assert reducer.raw(controller["token"], scheme="Token").get("/checksum").status_code == 200


def test_a_network_is_set_up_seeded_and_started_by_forms(reducer: Any, model_file: Path) -> None:
    client, viewer = reducer.raw(reducer.token(Role.OPERATOR)), reducer.http(Role.VIEWER)
    assert viewer.get("/status") == {"state": "setup"}
    model = client.post("/models", files={"seed": model_file.read_bytes()}).json()
    assert viewer.get("/status") == {"state": "idle"}
    reducer.add_clients("a", needs_package=False)
    form = {"rounds": "2", "timeout": "60", "clients_required": "1", "clients_requested": "1", "validate": "False"}
    session = client.post("/control", data={**form, "task": "digits"}).json()
    assert (session["rounds"], session["round_timeout"], session["validate"]) == (2, 60.0, False)
    assert (session["parameters"], session["start_model"]) == ({"task": "digits"}, model["id"])
    assert viewer.get("/status") == {"state": "instructing"}
    assert client.post("/control", data={"rounds": "many"}).json()["error"]["message"].startswith("rounds: ")
    assert client.post("/control", data=form).json()["error"]["code"] == "session_running"


def test_events_and_the_graph_of_the_network_are_told(reducer: Any, model_file: Path) -> None:
    reducer.add_clients("a")
    reducer.http(Role.OPERATOR).upload("/api/v1/models", model_file)
    viewer = reducer.http(Role.VIEWER)
    assert viewer.get("/events")["result"][0]["kind"] == "model_seeded"
    graph = viewer.get("/netgraph")
    assert [(node["id"], node["role"], node["status"]) for node in graph["nodes"]] == [
        ("reducer", "reducer", "active"),
        ("c1", "combiner", "active"),
        ("a", "client", "active"),
    ]
    assert [(edge["source"], edge["target"]) for edge in graph["edges"]] == [("reducer", "c1"), ("c1", "a")]


def test_resets_forget_what_they_say_and_wait_for_a_running_session(
    reducer: Any, model_file: Path, make_package: Any
) -> None:
    http, artifacts = reducer.http(Role.OPERATOR), reducer.services.artifacts
    package = http.upload("/api/v1/packages", make_package())
    http.upload("/api/v1/models", model_file)
    reducer.add_clients("a")
    session = http.post("/api/v1/sessions", {"round_timeout": 60})
    for path in ("/delete_model_trail", "/drop_control"):
        with pytest.raises(SessionRunning):
            http.post(path)
    http.post(f"/api/v1/sessions/{session['id']}/stop")
    for _ in http.lines(f"/api/v1/sessions/{session['id']}/watch"):
        pass
    http.post("/delete_model_trail")
    assert (http.get("/api/v1/models")["items"], artifacts.list("fedn-models")) == ([], [])
    assert http.get("/api/v1/network")["reducer"]["package_id"] == package["id"]
    http.upload("/api/v1/models", model_file)
    with pytest.raises(Conflict):
        http.upload("/api/v1/packages", make_package(code=b"other"))
    http.post("/drop_control")
    assert (artifacts.list("fedn-models"), artifacts.list("fedn-context")) == ([], [])
    for noun in ("models", "packages", "sessions", "rounds", "validations"):
        assert http.get(f"/api/v1/{noun}")["items"] == []
    assert [event["kind"] for event in http.get("/api/v1/events")["items"]] == ["control_dropped"]
    assert http.upload("/api/v1/packages", make_package(code=b"other"))["id"] != package["id"]
    assert [combiner["name"] for combiner in http.get("/api/v1/combiners")["items"]] == ["c1"]
