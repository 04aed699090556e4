"""Two models compared, and the line that a model comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedn.core import weights as w
from fedn.errors import Conflict, InvalidInput, NotFound, Unavailable
from fedn.reducer import models
from fedn.rpc.http import Http
from fedn.security.tokens import Role
from fedn.stores.documents import Model
from fedn.stores.protocols import Insert, Put

A = {"kernel": np.array([[3.0, 4.0]], np.float32), "bias": np.zeros(2)}
B = {"bias": np.array([0.0, 1.0]), "kernel": np.array([[3.0, 2.0]], np.float16)}


def seed(http: Http, folder: Path, arrays: w.Weights, *, form: w.Format = w.Format.NPZ) -> str:
    w.write(arrays, folder / "model", format=form)
    return str(http.upload("/api/v1/models", folder / "model")["id"])


def test_two_models_are_compared_array_by_array(reducer: Any, tmp_path: Path) -> None:
    operator = reducer.http(Role.OPERATOR)
    a, b = seed(operator, tmp_path, A), seed(operator, tmp_path, B, form=w.Format.SAFETENSORS)
    measured = reducer.services.state.get(Model, a)
    reducer.services.state.write(Put(Model(**{**measured.to_body(), "metrics": {"loss": 0.5}})))
    found = reducer.http(Role.VIEWER).get(f"/api/v1/models/{a}/difference/{b}")
    assert (found["a"]["id"], found["b"]["id"], found["a"]["metrics"]) == (a, b, {"loss": 0.5})
    assert "updates" not in found["a"]
    assert found["arrays"] == [
        {
            "name": "kernel",
            "shape": [1, 2],
            "dtype": "float32",
            "norm_a": 5.0,
            "norm_b": pytest.approx(13**0.5),
            "difference": 2.0,
            "relative": 0.4,
        },
        {
            "name": "bias",
            "shape": [2],
            "dtype": "float64",
            "norm_a": 0.0,
            "norm_b": 1.0,
            "difference": 1.0,
            "relative": None,
        },
    ]
    assert found["total"]["difference"] == pytest.approx(5**0.5)
    assert list((reducer.data_dir / "reducer" / "tmp").iterdir()) == []


def test_a_model_is_like_itself(reducer: Any, model_file: Path) -> None:
    http = reducer.http(Role.OPERATOR)
    model = http.upload("/api/v1/models", model_file)["id"]
    total = http.get(f"/api/v1/models/{model}/difference/{model}")["total"]
    assert (total["difference"], total["relative"]) == (0.0, 0.0)
    assert total["norm_a"] == total["norm_b"] > 0


def test_models_of_other_arrays_are_refused_by_name(reducer: Any, model_file: Path, tmp_path: Path) -> None:
    http = reducer.http(Role.OPERATOR)
    a, b = http.upload("/api/v1/models", model_file)["id"], seed(http, tmp_path, A)
    with pytest.raises(Conflict, match="'weights' is in the first only; 'bias' has"):
        http.get(f"/api/v1/models/{a}/difference/{b}")
    with pytest.raises(NotFound):
        http.get(f"/api/v1/models/{a}/difference/none")


def test_only_some_comparisons_run_at_once(reducer: Any, model_file: Path) -> None:
    http = reducer.http(Role.OPERATOR)
    model = http.upload("/api/v1/models", model_file)["id"]
    for _ in range(models.COMPARISONS):
        assert models.comparing.acquire(blocking=False)
    try:
        with pytest.raises(Unavailable, match="comparisons of models run"):
            http.get(f"/api/v1/models/{model}/difference/{model}")
    finally:
        for _ in range(models.COMPARISONS):
            models.comparing.release()
    assert http.get(f"/api/v1/models/{model}/difference/{model}")["total"]["difference"] == 0.0


def test_the_line_of_a_model_goes_back_to_its_seed(reducer: Any) -> None:
    for number in range(5):
        model = Model(id=f"m{number}", size=1, sha256="", committed_at=0.0, parent=f"m{number - 1}" if number else "")
        reducer.services.state.write(Insert(model))
    reducer.services.state.write(Insert(Model(id="other", size=1, sha256="", committed_at=0.0, parent="m0")))
    http = reducer.http(Role.VIEWER)
    line = http.get("/api/v1/models/m4/lineage")
    assert ([one["id"] for one in line["items"]], line["next"]) == (["m4", "m3", "m2", "m1", "m0"], None)
    line = http.get("/api/v1/models/m4/lineage", limit=2)
    assert ([one["id"] for one in line["items"]], line["next"]) == (["m4", "m3"], "m2")
    assert "updates" not in line["items"][0]
    with pytest.raises(NotFound):
        http.get("/api/v1/models/none/lineage")
    with pytest.raises(InvalidInput):
        http.get("/api/v1/models/m4/lineage", limit=1001)
