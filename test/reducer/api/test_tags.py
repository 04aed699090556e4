from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fedn.errors import Forbidden, InvalidInput, NotFound
from fedn.rpc.http import Http
from fedn.security.tokens import Role
from fedn.stores.documents import Event, Model, Tag
from fedn.stores.protocols import Delete, Put


@pytest.fixture
def operator(reducer: Any) -> Http:
    return reducer.http(Role.OPERATOR)


@pytest.fixture
def models(operator: Http, model_file: Path) -> list[str]:
    return [operator.upload("/api/v1/models", model_file)["id"] for _ in range(2)]


def test_a_tag_points_at_one_model_at_a_time(reducer: Any, operator: Http, models: list[str]) -> None:
    first, second = models
    tag = operator.put("/api/v1/tags/production", {"model": first})
    assert (tag["id"], tag["model_id"]) == ("production", first)
    assert operator.put("/api/v1/tags/best-1.0_a", {"model": "production"})["model_id"] == first
    operator.put("/api/v1/tags/production", {"model": second})
    listed = reducer.http(Role.VIEWER).get("/api/v1/tags")["items"]
    assert {one["id"]: one["model_id"] for one in listed} == {"best-1.0_a": first, "production": second}
    assert operator.delete("/api/v1/tags/production") is None
    assert [one["id"] for one in operator.get("/api/v1/tags")["items"]] == ["best-1.0_a"]
    assert operator.get(f"/api/v1/models/{second}")["id"] == second


def test_who_did_it_is_written_down(reducer: Any, operator: Http, models: list[str]) -> None:
    tag = operator.put("/api/v1/tags/production", {"model": models[0]})
    operator.delete("/api/v1/tags/production")
    token = {one["id"]: one for one in operator.get("/api/v1/tokens")["items"]}[tag["by"]]
    assert token["role"] == "operator"
    events = [event for _, event in reducer.services.state.find(Event, limit=2)]
    assert [(event.level, event.kind) for event in events] == [("audit", "model_untagged"), ("audit", "model_tagged")]
    for event in events:
        assert event.data == {"tag": "production", "model_id": models[0], "by": tag["by"]}
        assert "production" in event.message


def test_a_tag_stands_for_its_model_wherever_an_id_does(reducer: Any, operator: Http, models: list[str]) -> None:
    operator.put("/api/v1/tags/production", {"model": models[0]})
    assert operator.get("/api/v1/models/production") == operator.get(f"/api/v1/models/{models[0]}")
    assert operator.read("/api/v1/models/production/data") == operator.read(f"/api/v1/models/{models[0]}/data")
    assert operator.get("/api/v1/models/production/lineage")["items"][0]["id"] == models[0]
    compared = operator.get(f"/api/v1/models/{models[1]}/difference/production")
    assert (compared["a"]["id"], compared["b"]["id"]) == (models[1], models[0])
    assert reducer.services.trail.start("production").model.id == models[0]
    with reducer.services.trail.open("production") as content:
        assert content.read(2) == b"PK"


def test_a_session_starts_from_a_tag_and_keeps_the_model_it_meant(
    reducer: Any, operator: Http, models: list[str]
) -> None:
    operator.put("/api/v1/tags/good", {"model": models[0]})
    reducer.add_clients("c", needs_package=False)
    session = operator.post("/api/v1/sessions", {"start_model": "good"})
    operator.put("/api/v1/tags/good", {"model": models[1]})
    assert operator.get(f"/api/v1/sessions/{session['id']}")["start_model"] == models[0]
    operator.post(f"/api/v1/sessions/{session['id']}/stop")


@pytest.mark.parametrize(
    "name",
    [
        ".hidden",
        "-x",
        "a%20b",
        "a%0Ab",
        "%C3%A9",
        "x" * 65,
        "0b0ec0de-0000-4000-8000-00000000abcd",
        "0B0EC0DE-0000-4000-8000-00000000ABCD",
        "<script>",
    ],
)
def test_some_names_are_no_tags(shared: Any, name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        shared.http(Role.OPERATOR).put(f"/api/v1/tags/{name}", {"model": "any"})
    assert shared.http(Role.OPERATOR).get("/api/v1/tags")["items"] == []


def test_the_id_of_a_model_is_no_tag_whatever_it_looks_like(reducer: Any, operator: Http, models: list[str]) -> None:
    reducer.services.state.write(Put(Model(id="odd", size=1, sha256="", committed_at=0.0)))
    with pytest.raises(InvalidInput, match="taken for a model's id"):
        operator.put("/api/v1/tags/odd", {"model": models[0]})


def test_there_has_to_be_such_a_model_and_such_a_tag(reducer: Any, operator: Http, models: list[str]) -> None:
    with pytest.raises(NotFound, match="no model 'none'"):
        operator.put("/api/v1/tags/production", {"model": "none"})
    with pytest.raises(InvalidInput):
        operator.put("/api/v1/tags/production", {})
    with pytest.raises(NotFound, match="no tag 'production'"):
        operator.delete("/api/v1/tags/production")
    operator.put("/api/v1/tags/production", {"model": models[0]})
    reducer.services.state.write(Delete(Model, models[0]))
    with pytest.raises(NotFound, match="no model 'production'"):
        operator.get("/api/v1/models/production")


def test_who_only_looks_changes_no_tags(reducer: Any, operator: Http, models: list[str]) -> None:
    operator.put("/api/v1/tags/production", {"model": models[0]})
    viewer = reducer.http(Role.VIEWER)
    with pytest.raises(Forbidden):
        viewer.put("/api/v1/tags/production", {"model": models[1]})
    with pytest.raises(Forbidden):
        viewer.delete("/api/v1/tags/production")
    assert reducer.services.state.get(Tag, "production").model_id == models[0]


@pytest.mark.parametrize("reset", ["/delete_model_trail", "/drop_control"])
def test_a_reset_forgets_tags_with_their_models(reducer: Any, operator: Http, models: list[str], reset: str) -> None:
    operator.put("/api/v1/tags/production", {"model": models[0]})
    operator.post(reset)
    assert operator.get("/api/v1/tags")["items"] == []
