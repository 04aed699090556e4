"""Sessions side by side, of a real network and in the figures that are taken of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loopback import Federation
from measured import attempt, validated

from fedn.errors import NotFound
from fedn.reducer import attempts
from fedn.reducer.comparison import is_less_better
from fedn.security.tokens import Role
from fedn.stores.documents import Session
from fedn.stores.protocols import Insert


async def test_two_sessions_that_ran_are_compared(tmp_path: Path) -> None:
    async with Federation(tmp_path) as network:
        await network.add_client("a")
        await network.seed({"weights": np.zeros(2, np.float32)})
        first = await network.session(rounds=2, seed=1)
        second = await network.session(rounds=1, seed=1)
        found = network.operator.compare_sessions(first.id, second.id)
        with pytest.raises(NotFound):
            network.operator.compare_sessions(first.id, "none")
        rounds = network.operator.rounds(second.id)
    assert [(one["session_id"], one["rounds_done"]) for one in found] == [(first.id, 2), (second.id, 1)]
    assert found[0]["settings"] == {"rounds": 2, "start_model": first.start_model}
    assert found[1]["metrics"] == {
        "mean": {"final": 3.0, "final_round": 1, "best": 3.0, "best_round": 1, "better": "higher"}
    }
    took = sum(one.seconds["total"] + (one.seconds["waiting"] if one.kind == "train" else 0.0) for one in rounds)
    assert found[1]["seconds"] == pytest.approx({"mean": took, "median": took, "p95": took})


def test_seconds_and_metrics_are_of_all_rounds(reducer: Any) -> None:
    state = reducer.services.state
    state.write(Insert(Session(id="s", rounds=20, created_at=0.0, rounds_done=20)))
    for number in range(1, 21):
        metrics = {"loss": abs(number - 7.0), "accuracy": 1.0 if number in (3, 9) else 0.5, "bad": float("nan")}
        seconds = {"waiting": 0.0, "total": float(number) - 1.0}
        state.write(*attempts.written(attempt(number, seconds=seconds), ()))
        state.write(*validated(f"m{number}", {"a": metrics}, number=number))
    [found] = reducer.http(Role.VIEWER).get("/api/v1/sessions/compare", session_id="s")["items"]
    assert found["settings"] == {}
    assert found["seconds"] == {"mean": 10.5, "median": 10.5, "p95": 19.0}
    loss, accuracy = found["metrics"]["loss"], found["metrics"]["accuracy"]
    assert (loss["final"], loss["best"], loss["best_round"], loss["better"]) == (13.0, 0.0, 7, "lower")
    assert (accuracy["final"], accuracy["best"], accuracy["best_round"]) == (0.5, 1.0, 3)
    assert "bad" not in found["metrics"]


def test_names_tell_whether_less_is_better() -> None:
    assert [is_less_better(name) for name in ("val_loss", "RMSE", "accuracy", "f1")] == [True, True, False, False]
