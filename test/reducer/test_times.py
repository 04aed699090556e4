"""Where the time of rounds and of clients went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loopback import Federation
from measured import attempt

from fedn.errors import InvalidInput, NotFound, NotReady
from fedn.reducer.attempts import parts_of, written
from fedn.reducer.plots import gists, times
from fedn.reducer.plots.gists import Gists
from fedn.reducer.plots.times import PARTS, client_times, round_times
from fedn.security.tokens import Role
from fedn.stores.documents import Round, Session
from fedn.stores.protocols import Insert, StateStore
from fedn.stores.sqlite import SqliteStateStore


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateStore]:
    with closing(SqliteStateStore(tmp_path / "state.db")) as store:
        store.write(Insert(Session(id="s", rounds=9, created_at=0.0)))
        yield store


def client(name: str, combiner: str = "c1", state: str = "answered", **seconds: float) -> dict[str, Any]:
    return {"client": name, "combiner": combiner, "state": state, "detail": "", "bytes": 1, "seconds": seconds}


def combiner(name: str = "c1", **seconds: float) -> dict[str, Any]:
    return {"name": name, "asked": 2, "answered": 2, "seconds": seconds, "error": ""}


def trained(number: int = 1, *clients: dict[str, Any], **fields: Any) -> Round:
    return attempt(number, **{"combiners": [combiner()], "clients": list(clients), **fields})


def stacks(figure: Mapping[str, Any]) -> dict[int, dict[str, float]]:
    """Round → part → seconds."""
    found: dict[int, dict[str, float]] = {}
    for trace in figure["data"]:
        for number, seconds in zip(trace["x"], trace["y"], strict=True):
            found.setdefault(number, {})[trace["name"]] = seconds
    return found


async def test_the_parts_of_a_real_round_add_up_to_its_time(tmp_path: Path) -> None:
    async with Federation(tmp_path, combiners=2) as network:
        await network.seed({"weights": np.zeros(500_000, np.float32)})
        for name, place in (("a", "c0"), ("b", "c0"), ("c", "c1")):
            await network.add_client(name, combiner=place)
        session = await network.session(rounds=3, clients_required=3)
        rounds = network.operator.rounds(session.id)
        figure = network.web.get("/api/v1/plots/round-times", session_id=session.id)
        assert network.web.get("/api/v1/plots/round-times") == figure
        boxes = network.web.get("/api/v1/plots/client-times", session_id=session.id)
    assert [trace["name"] for trace in figure["data"]] == list(PARTS)
    assert figure["layout"]["barmode"] == "stack"
    assert figure["layout"]["yaxis"]["title"] == {"text": "time (s)"}
    assert stacks(figure).keys() == {1, 2, 3}
    for number, parts in stacks(figure).items():
        took = sum(one.seconds["waiting"] + one.seconds["total"] for one in rounds if one.number == number)
        assert sum(parts.values()) == pytest.approx(took, abs=1e-4)
        assert min(parts.values()) >= 0
        for part in ("download", "training", "upload", "folding", "reducing", "commit", "validation"):
            assert parts[part] > 0, part
    assert {box["name"] for box in boxes["data"]} == {"a", "b", "c"}
    assert all(box["text"] == [1, 2, 3] and len(box["y"]) == 3 for box in boxes["data"])


def test_the_path_is_that_of_the_slowest_client_of_the_slowest_combiner() -> None:
    clients = [
        client("quick", fetch_model=1.0, exec_training=2.0, upload_model=1.0),
        client("slow", fetch_model=0.5, exec_training=6.0, upload_model=0.5),
        client("lost", state="lost", exec_training=100.0),
        client("elsewhere", "c2", exec_training=100.0),
    ]
    combiners = [
        combiner("c1", stage=0.25, clients=8.0, fold=1.0, partial=0.25),
        combiner("c2", stage=0.0, clients=1.0, fold=0.0, partial=0.0),
    ]
    seconds = {"waiting": 3.0, "combine": 9.0, "reduce": 1.0, "commit": 0.25, "total": 11.0}
    assert parts_of(trained(1, *clients, combiners=combiners, seconds=seconds)) == {
        "waiting": 3.0,
        "commit": 0.25,
        "reducing": 0.75,
        "download": 0.75,
        "training": 6.0,
        "upload": 0.5,
        "folding": 0.75,
        "other": 2.0,
    }


def test_parts_that_are_longer_than_the_whole_are_cut() -> None:
    parts = parts_of(trained(1, client("a", fetch_model=1.0, exec_training=9.0), seconds={"total": 2.0}))
    assert (parts["download"], parts["training"], parts["other"]) == (1.0, 1.0, 0.0)


def test_who_does_not_measure_training_trained_all_the_while() -> None:
    parts = parts_of(trained(1, client("a", fetch_model=0.25, processing_time=1.0)))
    assert (parts["download"], parts["training"]) == (0.25, 0.75)


def test_a_round_without_an_answer_is_all_waiting_for_others() -> None:
    failed = trained(1, client("a", state="lost"), combiners=[], seconds={"waiting": 1.0, "total": 5.0})
    parts = parts_of(failed)
    assert (parts["waiting"], parts["other"], sum(parts.values())) == (1.0, 5.0, 6.0)


def test_attempts_and_the_validation_are_one_bar(state: StateStore) -> None:
    for one in (trained(1), trained(1, attempt=2), trained(1, kind="validate"), trained(2)):
        state.write(*written(one, ()))
    found = stacks(round_times(Gists(state)))
    assert [(number, sum(parts.values())) for number, parts in found.items()] == [(1, 3.0), (2, 1.0)]
    assert found[1]["validation"] == 1.0


def test_a_bar_that_is_not_whole_is_not_drawn(state: StateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1, 6):
        state.write(*written(trained(number), ()), *written(trained(number, kind="validate"), ()))
    monkeypatch.setattr(gists, "ROUNDS", 2)
    assert stacks(round_times(Gists(state))).keys() == {4, 5}
    state.write(*written(trained(6), ()))
    assert stacks(round_times(Gists(state))).keys() == {5, 6}


def test_the_slowest_clients_are_drawn(state: StateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "CLIENTS", 2)
    for number in (1, 2, 3):
        clients = [client(f"n{one}", exec_training=one + number / 10) for one in range(4)]
        one = trained(number, *clients, client("gone", state="late", exec_training=99.0))
        state.write(*written(one, ()))
    boxes = client_times(Gists(state), "s")["data"]
    assert [(box["name"], box["y"], box["text"]) for box in boxes] == [
        ("n3", [3.1, 3.2, 3.3], [1, 2, 3]),
        ("n2", [2.1, 2.2, 2.3], [1, 2, 3]),
    ]


def test_before_any_round_there_is_nothing_to_draw(state: StateStore) -> None:
    for plot in (round_times, client_times):
        with pytest.raises(NotReady, match="no round has been run"):
            plot(Gists(state))
        with pytest.raises(NotFound, match="no session 'none'"):
            plot(Gists(state), "none")


def test_these_plots_are_of_one_session(shared: Any) -> None:
    with pytest.raises(InvalidInput, match="of one session"):
        shared.http(Role.VIEWER).get("/api/v1/plots/round-times", session_id=["a", "b"])
