from __future__ import annotations

import base64
import hashlib
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedn.errors import InvalidInput, InvalidModel, NotFound, TooLarge
from fedn.security.tokens import Role


def leftovers(reducer: Any) -> list[Path]:
    return list((reducer.data_dir / "reducer" / "tmp").iterdir())


def test_a_seed_is_committed_shown_and_given_back(reducer: Any, model_file: Path, tmp_path: Path) -> None:
    http = reducer.http(Role.OPERATOR)
    model = http.upload("/api/v1/models", model_file)
    content = model_file.read_bytes()
    digest = hashlib.sha256(content)
    assert (model["size"], model["sha256"], model["parameters"]) == (len(content), digest.hexdigest(), 9)
    assert http.get(f"/api/v1/models/{model['id']}") == model
    assert http.get("/api/v1/network")["reducer"]["latest_model"] == model["id"]
    target = tmp_path / "got"
    for role in (Role.COMBINER, Role.CLIENT, Role.VIEWER):
        reducer.http(role).download(f"/api/v1/models/{model['id']}/data", target)
        assert target.read_bytes() == content
    response = reducer.raw(reducer.token(Role.VIEWER)).get(f"/api/v1/models/{model['id']}/data")
    assert response.headers["content-length"] == str(len(content))
    assert response.headers["repr-digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
    assert leftovers(reducer) == []


def test_a_seed_may_come_in_a_form(reducer: Any, model_file: Path) -> None:
    client = reducer.raw(reducer.token(Role.OPERATOR))
    with model_file.open("rb") as file:
        answer = client.post("/api/v1/models", files={"seed": file})
    assert answer.status_code == 201
    assert answer.json()["size"] == model_file.stat().st_size
    assert (
        client.post("/api/v1/models", files={"other": b"x"}).json()["error"]["message"] == "the form has no file 'seed'"
    )


def test_a_seed_may_come_in_chunks(reducer: Any, model_file: Path) -> None:
    answer = reducer.raw(reducer.token(Role.OPERATOR)).post("/api/v1/models", content=iter([model_file.read_bytes()]))
    assert answer.status_code == 201


def test_a_file_that_is_no_model_is_refused_and_forgotten(reducer: Any, tmp_path: Path) -> None:
    http = reducer.http(Role.OPERATOR)
    (tmp_path / "text").write_text("hello")
    np.savez(tmp_path / "nan.npz", weights=np.array([np.nan]))
    for name in ("text", "nan.npz"):
        with pytest.raises(InvalidModel):
            http.upload("/api/v1/models", tmp_path / name)
    (tmp_path / "empty").touch()
    with pytest.raises(InvalidInput, match="no file, or an empty one"):
        http.upload("/api/v1/models", tmp_path / "empty")
    assert http.get("/api/v1/models")["items"] == []
    assert leftovers(reducer) == []
    assert reducer.services.artifacts.list("fedn-models") == []


def test_a_model_over_the_limit_is_refused_with_the_setting_to_raise(start_reducer: Any, tmp_path: Path) -> None:
    large = tmp_path / "large.npz"
    np.savez(large, weights=np.zeros(1_000_000))
    with ExitStack() as stack:
        reducer = start_reducer(stack, max_model_bytes=1000)
        with pytest.raises(TooLarge, match=r"limit of 1000 bytes.*max_model_bytes"):
            reducer.http(Role.OPERATOR).upload("/api/v1/models", large)
        client = reducer.raw(reducer.token(Role.OPERATOR))
        assert client.post("/api/v1/models", content=iter([large.read_bytes()])).status_code == 413
        assert client.post("/api/v1/models", files={"seed": large.read_bytes()}).status_code == 413
        assert leftovers(reducer) == []


def test_the_trail_is_listed_a_page_at_a_time(reducer: Any, model_file: Path) -> None:
    http = reducer.http(Role.OPERATOR)
    ids = [http.upload("/api/v1/models", model_file)["id"] for _ in range(5)]
    listed, before = [], None
    while True:
        page = http.get("/api/v1/models", limit=2, before=before)
        listed += page["items"]
        before = page["next"]
        if before is None:
            break
        assert len(page["items"]) == 2
    assert [model["id"] for model in listed] == ids[::-1]
    assert "updates" not in listed[0]


def test_cursors_and_limits_have_bounds(shared: Any) -> None:
    http = shared.http(Role.VIEWER)
    assert http.get("/api/v1/models", limit=1000, before=2**63 - 1) == {"items": [], "next": None}
    for wrong in ({"limit": 0}, {"limit": 1001}, {"limit": "x"}, {"before": -1}, {"before": 2**63}, {"after": 1}):
        with pytest.raises(InvalidInput):
            http.get("/api/v1/models", **wrong)


def test_there_is_no_such_model(shared: Any) -> None:
    http = shared.http(Role.VIEWER)
    for path in ("/api/v1/models/none", "/api/v1/models/none/data", "/api/v1/models/..%2F..%2Fca.key/data"):
        with pytest.raises(NotFound):
            http.read(path)
