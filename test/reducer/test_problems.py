from __future__ import annotations

from typing import Any

import pytest

from fedn import errors
from fedn.reducer.app import create_app
from fedn.reducer.problems import STATUS
from fedn.security.tokens import Role


def tree(root: type[errors.FednError]) -> set[type[errors.FednError]]:
    return {root}.union(*(tree(child) for child in root.__subclasses__()))


def test_every_error_has_a_status() -> None:
    assert set(STATUS) == {kind.code for kind in tree(errors.FednError) if kind.__module__ == "fedn.errors"}


def test_what_can_be_tried_again_is_no_fault_of_the_request_itself() -> None:
    for kind in tree(errors.FednError):
        if kind.retryable:
            assert STATUS[kind.code] in (409, 500, 503, 504), kind


@pytest.mark.parametrize(
    ("request_line", "body", "status", "code"),
    [
        ("GET /nothing", b"", 404, "not_found"),
        ("GET /api/v1/nothing", b"", 404, "not_found"),
        ("DELETE /api/v1/models", b"", 405, "invalid_input"),
        ("GET /api/v1/models/none", b"", 404, "not_found"),
        ("POST /api/v1/sessions", b"no json", 400, "invalid_input"),
        ("POST /api/v1/sessions", b"[1]", 400, "invalid_input"),
        ("POST /api/v1/sessions", b"[" * 100_000, 400, "invalid_input"),
        ("POST /api/v1/sessions", b'{"rounds": 0}', 400, "invalid_input"),
        ("POST /api/v1/sessions", b'{"parameters": "' + b"x" * (1 << 20) + b'"}', 413, "too_large"),
        ("GET /static/../app.py", b"", 404, "not_found"),
    ],
)
def test_all_errors_have_one_format(shared: Any, request_line: str, body: bytes, status: int, code: str) -> None:
    method, path = request_line.split()
    answer = shared.raw(shared.token(Role.OPERATOR)).request(method, path, content=body)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["code"] == code
    assert error["message"]
    assert isinstance(error["hint"], str)


def test_a_field_that_is_wrong_is_named_and_what_is_unknown_refused(shared: Any) -> None:
    with pytest.raises(errors.InvalidInput, match=r"fraction: .*greater than 0.*round: Extra inputs"):
        shared.http(Role.OPERATOR).post("/api/v1/sessions", {"round": 3, "fraction": 0})


def test_a_method_that_is_not_allowed_says_which_are(shared: Any) -> None:
    answer = shared.raw(shared.token(Role.OPERATOR)).delete("/api/v1/models")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


def test_a_fault_of_ours_is_logged_and_told_without_its_inside(shared: Any, caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(shared.services)

    def broken() -> None:
        raise RuntimeError("the inside")

    app.view_functions["health.health"] = broken
    answer = app.test_client().get("/api/v1/health")
    assert answer.status_code == 500
    assert answer.get_json()["error"] == {
        "code": "internal",
        "message": "the reducer failed; its log says how",
        "hint": "",
    }
    assert "the inside" in caplog.text
