from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from loopback import Federation
from measured import validated

from fedn.errors import InvalidInput, NotReady
from fedn.reducer.plots import gists, metrics
from fedn.reducer.plots.gists import Gists
from fedn.stores.protocols import StateStore
from fedn.stores.sqlite import SqliteStateStore


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateStore]:
    with closing(SqliteStateStore(tmp_path / "state.db")) as store:
        yield store


def measuring(**found: float) -> Callable[[object], dict[str, float]]:
    """A client's function that finds the same of every model."""
    return lambda model: found


async def test_what_clients_measured_is_drawn_as_a_box_a_round(tmp_path: Path) -> None:
    async with Federation(tmp_path) as network:
        for name, value in (("a", 0.25), ("b", 0.75)):
            await network.add_client(name, validate=measuring(accuracy=value, loss=1 - value))
        await network.seed({"weights": np.zeros(2, np.float32)})
        await network.session(rounds=2, clients_required=2)
        trail = await network.trail()
        figure = network.web.get("/metric_type", selected="loss")
        assert network.web.get("/metric_type")["layout"]["title"] == {"text": "accuracy"}
        with pytest.raises(InvalidInput, match="'f1'") as caught:
            network.web.get("/metric_type", selected="f1")
    assert "accuracy, loss" in caught.value.hint
    assert [box["name"] for box in figure["data"]] == [f"round {one.number} · {one.id[:8]}" for one in trail[1:]]
    for box in figure["data"]:
        assert (box["type"], dict(zip(box["text"], box["y"], strict=True))) == ("box", {"a": 0.75, "b": 0.25})
    assert figure["layout"]["yaxis"] == {"title": {"text": "loss"}}


def test_before_any_validation_there_is_nothing_to_draw(state: StateStore) -> None:
    for metric in ("", "loss"):
        with pytest.raises(NotReady, match="no model has been validated"):
            metrics.box_plot(Gists(state), metric)


def test_who_did_not_measure_it_is_left_out(state: StateStore) -> None:
    state.write(*validated("m1", {"a": {"loss": 1.0}, "b": {"accuracy": 0.5}}))
    state.write(*validated("m2", {"a": {"accuracy": 0.75}}, number=2))
    boxes = metrics.box_plot(Gists(state), "loss")["data"]
    assert [(box["name"], box["text"]) for box in boxes] == [("round 1 · m1", ["a"])]


def test_rounds_of_several_sessions_have_boxes_of_their_own(state: StateStore) -> None:
    state.write(*validated("first", {"a": {"loss": 1.0}}))
    state.write(*validated("again", {"a": {"loss": 2.0}}))
    assert [box["name"] for box in metrics.box_plot(Gists(state))["data"]] == ["round 1 · first", "round 1 · again"]


def test_a_long_trail_is_cut_to_its_newest_models(state: StateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1, 6):
        state.write(*validated(f"m{number}", {"a": {"loss": 1.0}, "b": {"loss": 2.0}}, number=number))
    monkeypatch.setattr(gists, "MODELS", 2)
    assert [box["y"] for box in metrics.box_plot(Gists(state))["data"]] == [[1.0, 2.0], [1.0, 2.0]]
    monkeypatch.setattr(metrics, "VALUES", 3)
    [box] = metrics.box_plot(Gists(state))["data"]  # that of m4 would lack a client
    assert box["name"] == "round 5 · m5"
    monkeypatch.setattr(metrics, "VALUES", 1)
    [box] = metrics.box_plot(Gists(state))["data"]
    assert box["text"] == ["a", "b"]


def test_many_values_are_not_drawn_as_points_each(state: StateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    state.write(*validated("m1", {"a": {"loss": 1.0}, "b": {"loss": 2.0}}))
    assert metrics.box_plot(Gists(state))["data"][0]["boxpoints"] == "all"
    monkeypatch.setattr(metrics, "_POINTS", 1)
    assert metrics.box_plot(Gists(state))["data"][0]["boxpoints"] == "outliers"


def test_a_figure_is_plain_json(state: StateStore) -> None:
    state.write(*validated("m1", {"a": {"loss": 1.0}}))
    figure = metrics.box_plot(Gists(state))
    assert json.loads(json.dumps(figure)) == figure


def test_a_box_plot_may_be_of_one_session(state: StateStore) -> None:
    state.write(*validated("m1", {"a": {"loss": 1.0}}, session_id="s1"))
    state.write(*validated("m2", {"a": {"accuracy": 1.0}}, session_id="s2"))
    assert [box["name"] for box in metrics.box_plot(Gists(state), session_id="s1")["data"]] == ["round 1 · m1"]
    with pytest.raises(InvalidInput, match="'accuracy'"):
        metrics.box_plot(Gists(state), "accuracy", "s1")
    assert metrics.names(Gists(state)) == ["accuracy", "loss"]
