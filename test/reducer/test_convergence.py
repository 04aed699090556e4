"""A metric over the rounds, sessions side by side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from loopback import Federation
from measured import validated

from fedn.errors import InvalidInput, NotFound, NotReady
from fedn.reducer.plots import folds
from fedn.reducer.plots.gists import Gists
from fedn.reducer.plots.metrics import SESSIONS, convergence
from fedn.stores.documents import Session
from fedn.stores.protocols import Insert, StateStore
from fedn.stores.sqlite import SqliteStateStore


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateStore]:
    with closing(SqliteStateStore(tmp_path / "state.db")) as store:
        yield store


def session(state: StateStore, session_id: str, *means: dict[str, float]) -> None:
    """A session whose rounds had these means; empty for one whose model was not validated."""
    state.write(Insert(Session(id=session_id, rounds=len(means), created_at=0.0)))
    for number, found in enumerate(means, start=1):
        measured = {"a": found} if found else {}
        state.write(*validated(f"{session_id}-{number}", measured, number=number, session_id=session_id))


async def test_sessions_are_drawn_side_by_side(tmp_path: Path) -> None:
    async with Federation(tmp_path) as network:
        for name in ("a", "b"):
            await network.add_client(name)
        await network.seed({"weights": np.zeros(2, np.float32)})
        first = await network.session(rounds=2, clients_required=2)
        second = await network.session(rounds=1, clients_required=2)
        both = network.web.get("/api/v1/plots/convergence")
        one = network.web.get("/api/v1/plots/convergence", session_id=first.id, metric="mean")
        named = network.web.get("/api/v1/plots/convergence", session_id=[first.id, second.id])
        assert network.web.get("/api/v1/metrics") == {"items": ["mean"], "next": None}
        with pytest.raises(InvalidInput, match="at most 10"):
            network.web.get("/api/v1/plots/convergence", session_id=["x"] * 11)
    line = {"type": "scatter", "mode": "lines+markers", "name": f"session {first.id[:8]}", "x": [1, 2], "y": [1.0, 2.0]}
    assert one["data"] == [line]
    assert one["layout"]["xaxis"]["title"] == {"text": "round"}
    assert one["layout"]["yaxis"]["title"] == {"text": "mean"}
    assert [(each["x"], each["y"]) for each in both["data"]] == [([1], [3.0]), ([1, 2], [1.0, 2.0])]
    assert named["data"] == both["data"][::-1]


def test_the_newest_sessions_are_drawn_where_none_are_named(state: StateStore) -> None:
    for number in range(SESSIONS + 1):
        session(state, f"s{number}", {"loss": 1.0})
    assert [one["name"] for one in convergence(Gists(state))["data"]] == [
        f"session s{n}" for n in range(SESSIONS, 0, -1)
    ]


def test_rounds_that_measured_nothing_are_left_out(state: StateStore) -> None:
    session(state, "s", {"loss": 3.0}, {}, {"accuracy": 0.5}, {"loss": 1.0})
    session(state, "t", {"accuracy": 0.5})
    [line] = convergence(Gists(state), "loss")["data"]
    assert (line["x"], line["y"]) == ([1, 4], [3.0, 1.0])


def test_what_can_not_be_drawn_is_said(state: StateStore) -> None:
    with pytest.raises(NotReady):
        convergence(Gists(state))
    session(state, "s", {"loss": 3.0})
    session(state, "t", {})
    with pytest.raises(NotReady, match="has been validated"):
        convergence(Gists(state), session_ids=["t"])
    with pytest.raises(InvalidInput, match=r"'f1'.*loss"):
        convergence(Gists(state), "f1")
    with pytest.raises(NotFound, match="no session 'none'"):
        convergence(Gists(state), session_ids=["s", "none"])


def test_a_long_session_is_cut_to_what_can_be_read_quickly(state: StateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    session(state, "s", *({"loss": float(number)} for number in range(1, 51)))
    monkeypatch.setattr(folds, "ENTRIES", 20)
    [line] = convergence(Gists(state))["data"]
    assert line["x"] == list(range(31, 51))
