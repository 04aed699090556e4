from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from fedn.errors import Conflict, Forbidden, InvalidInput, NameInUse, NotFound, NotReady, SessionRunning
from fedn.reducer import standing
from fedn.security.tokens import Role
from fedn.stores.documents import Control, Session
from fedn.stores.protocols import Insert, Put


@pytest.fixture
def legacy(start_reducer: Any) -> Iterator[Any]:
    with ExitStack() as stack:
        yield start_reducer(stack, legacy_clients=True)


def test_a_client_of_2021_is_assigned_once_there_are_a_package_and_room(legacy: Any, make_package: Any) -> None:
    http = legacy.http(Role.CLIENT)
    assert http.get("/assign", name="old") == {"status": "retry", "msg": "there is no compute package"}
    legacy.http(Role.OPERATOR).upload("/api/v1/packages", make_package())
    waiting = http.get("/assign", name="old")
    assert (waiting["status"], "no combiner is connected" in waiting["msg"]) == ("retry", True)
    legacy.add_combiner("c1")
    combiner = legacy.services.network.combiner("c1")
    assignment = http.get("/assign", name="old", combiner="elsewhere")
    certificate = base64.b64decode(assignment.pop("certificate"))
    assert certificate == legacy.services.authority.certificate_pem
    assert assignment == {
        "status": "assigned",
        "host": combiner.host,
        "ip": combiner.host,
        "port": combiner.port,
        "model_type": "numpyarray",
    }


def test_a_client_goes_to_the_combiner_that_it_prefers(legacy: Any, make_package: Any) -> None:
    legacy.http(Role.OPERATOR).upload("/api/v1/packages", make_package())
    for name in ("c1", "c2"):
        legacy.add_combiner(name)
    http, preferred = legacy.http(Role.CLIENT), legacy.services.network.combiner("c2")
    for name in ("a", "b", "c"):
        assert http.get("/assign", name=name, combiner="c2")["port"] == preferred.port


@pytest.mark.parametrize(("path", "role"), [("/assign", Role.CLIENT), ("/add", Role.COMBINER)])
def test_who_joins_says_its_own_name(shared: Any, path: str, role: Role) -> None:
    http = shared.http(role, "mine")
    with pytest.raises(InvalidInput, match=f"{path} takes a name") as caught:
        http.get(path, combiner="c1")
    assert f"{path}?name=NAME" in caught.value.hint
    with pytest.raises(Forbidden, match="the token is for 'mine', not for 'yours'"):
        http.get(path, name="yours", address="localhost", port=9)


def test_clients_of_2021_are_let_in_only_where_the_settings_say_so(shared: Any) -> None:
    with pytest.raises(Forbidden, match="legacy_clients: true"):
        shared.http(Role.CLIENT).get("/assign", name="old")


def test_a_combiner_announces_itself_and_gets_no_secrets(reducer: Any) -> None:
    http = reducer.http(Role.COMBINER)
    assert http.get("/add", name="c1", address="127.0.0.1", port=9) == {"status": "added", "network_id": "fedn-network"}
    shown = reducer.services.network.combiner("c1")
    assert (shown.host, shown.port, shown.max_clients) == ("127.0.0.1", 9, 30)
    with pytest.raises(InvalidInput, match=r"^address: .*port: "):
        http.get("/add", name="c1", port="x")


def test_a_combiner_s_name_is_taken_while_it_is_connected(reducer: Any) -> None:
    reducer.add_combiner("c1")
    with pytest.raises(NameInUse, match="a combiner named 'c1' is connected already"):
        reducer.http(Role.COMBINER).get("/add", name="c1", address="elsewhere", port=9)


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
    assert operator.get("/context").headers["content-disposition"] == "attachment; filename=mine.tgz"
    assert client.get("/checksum") == {"checksum": answer["md5"], "sha256": answer["id"]}


def test_a_package_is_found_by_its_name_too(reducer: Any, make_package: Any, tmp_path: Path) -> None:
    operator, client = reducer.http(Role.OPERATOR), reducer.http(Role.CLIENT)
    first = operator.upload("/api/v1/packages", make_package("first.tgz", code=b"1"), name="first.tgz")
    again = operator.upload("/api/v1/packages", make_package("first.tgz", code=b"2"), name="first.tgz")
    second = operator.upload("/api/v1/packages", make_package("second.tgz", code=b"3"), name="second.tgz")
    assert first["id"] != again["id"]
    for query, found in (({}, second), ({"name": "second.tgz"}, second), ({"name": "first.tgz"}, again)):
        assert client.get("/checksum", **query) == {"checksum": found["md5"], "sha256": found["id"]}
    client.download("/context?name=first.tgz", tmp_path / "got")
    assert (tmp_path / "got").stat().st_size == again["size"]
    for path in ("/checksum", "/context"):
        with pytest.raises(NotFound, match=r"no compute package 'third.tgz'") as caught:
            client.get(path, name="third.tgz")
        assert "the network's is second.tgz" in caught.value.hint


def test_the_settings_file_for_clients_lets_them_in(reducer: Any, make_package: Any, tmp_path: Path) -> None:
    package = reducer.http(Role.OPERATOR).upload("/api/v1/packages", make_package())
    reducer.add_combiner("c1")
    answer = reducer.raw(reducer.token(Role.OPERATOR)).get("/config/download")
    assert answer.headers["content-disposition"] == "attachment; filename=client.yaml"
    [event] = reducer.http(Role.VIEWER).get("/api/v1/events", level="audit", kind="token_created")["items"]
    assert event["data"]["by"]
    settings = yaml.safe_load(answer.content)
    controller = settings["controller"]
    assert settings["network_id"] == "fedn-network"
    assert (controller["discover_host"], controller["discover_port"]) == ("localhost", reducer.port)
    assert controller["checksum"] == package["md5"]
    assert reducer.raw(controller["token"], scheme="Token").get("/checksum").status_code == 200
    (tmp_path / "client.yaml").write_bytes(answer.content)
    command = [sys.executable, "-m", "fedn", "run", "client", "-in", "client.yaml", "--dry-run"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "would go to combiner c1, and its package is ready" in ran.stderr


def test_the_settings_file_has_no_checksum_before_there_is_a_package(shared: Any) -> None:
    settings = yaml.safe_load(shared.http(Role.OPERATOR).read("/config/download"))
    assert settings["controller"].keys() == {"discover_host", "discover_port", "token"}


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
    assert [one["id"] for one in viewer.get("/api/v1/sessions")["items"]] == [session["id"]]
    assert client.post("/control", data={"rounds": "many"}).json()["error"]["message"].startswith("rounds: ")
    assert client.post("/control", data={"timeout": "-1"}).json()["error"]["message"].startswith("timeout: ")
    assert client.post("/control", data=form).json()["error"]["code"] == "session_running"


def test_a_field_that_is_left_empty_counts_as_missing(reducer: Any, model_file: Path) -> None:
    client = reducer.raw(reducer.token(Role.OPERATOR))
    client.post("/models", files={"seed": model_file.read_bytes()})
    reducer.add_clients("a", needs_package=False)
    session = client.post("/control", data={"rounds": "", "clients_requested": "", "task": ""}).json()
    assert (session["rounds"], session["clients_requested"], session["parameters"]) == (1, 0, {})


def test_the_status_is_setup_idle_instructing_or_monitoring(reducer: Any, model_file: Path) -> None:
    state, viewer = reducer.services.state, reducer.http(Role.VIEWER)
    assert viewer.get("/status") == {"state": "setup"}
    reducer.http(Role.OPERATOR).upload("/api/v1/models", model_file)
    assert viewer.get("/status") == {"state": "idle"}
    session = Session(id="s", rounds=1, created_at=0.0)
    state.write(Insert(session), Put(Control(id=Control.KEY, session_id="s", state="instructing", latest_model="m")))
    assert viewer.get("/status") == {"state": "instructing"}
    state.write(Put(Session(id="s", rounds=1, created_at=0.0, state="running")))
    assert viewer.get("/status") == {"state": "monitoring"}


def test_the_steps_of_the_set_up_come_in_order(reducer: Any, model_file: Path, make_package: Any) -> None:
    http = reducer.http(Role.OPERATOR)
    assert standing.missing_step(reducer.services) == "package"
    http.upload("/api/v1/packages", make_package())
    assert standing.missing_step(reducer.services) == "model"
    http.upload("/api/v1/models", model_file)
    assert standing.missing_step(reducer.services) == ""


def test_a_network_with_a_model_and_no_package_is_set_up(reducer: Any, model_file: Path) -> None:
    reducer.http(Role.OPERATOR).upload("/api/v1/models", model_file)
    assert standing.missing_step(reducer.services) == ""


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
