from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from fedn.reducer.app import create_app
from fedn.security.policy import PUBLIC, ROUTES
from fedn.security.tokens import Role, TokenIssuer, new_signing_key

BEARERS = [None, Role.CLIENT, Role.COMBINER, Role.VIEWER, Role.OPERATOR]


@pytest.fixture(scope="module")
def clients(start_reducer: Any) -> Iterator[dict[Role | None, httpx.Client]]:
    with ExitStack() as stack:
        reducer = start_reducer(stack)
        yield {role: reducer.raw(reducer.token(role) if role else "") for role in BEARERS}


def test_the_table_and_the_routes_are_the_same(shared: Any) -> None:
    app = create_app(shared.services)
    rules = {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}  # the one is as GET, the other open to nobody
    }
    assert rules == set(ROUTES)


@pytest.mark.parametrize("key", sorted(ROUTES))
def test_every_route_is_for_its_roles_alone(clients: dict[Role | None, httpx.Client], key: str) -> None:
    method, rule = key.split()
    path = re.sub(r"<[^>]+>", "x", rule)
    for role, client in clients.items():
        with client.stream(method, path) as response:
            if ROUTES[key] == PUBLIC or role in ROUTES[key]:
                assert response.status_code not in (401, 403)
            else:
                assert response.status_code == (401 if role is None else 403)


def test_only_what_newcomers_need_is_public() -> None:
    assert {key for key, rule in ROUTES.items() if rule == PUBLIC} == {
        "GET /api/v1/health",
        "GET /api/v1/ready",
        "GET /api/v1/ca",
        "GET /api/v1/openapi.json",
        "POST /api/v1/login",
        "GET /login",
        "GET /static/<path:filename>",
    }


def test_only_operators_change_anything_but_what_is_their_own() -> None:
    own = {
        "POST /api/v1/combiners/<name>/certificate",
        "PUT /api/v1/combiners/<name>",
        "POST /api/v1/assignments",
        "POST /api/v1/login",
        "POST /api/v1/logout",
    }
    for key, rule in ROUTES.items():
        if not key.startswith("GET ") and key not in own:
            assert rule == {Role.OPERATOR}, key


def test_a_token_may_be_given_as_in_2021(shared: Any) -> None:
    token = shared.token(Role.VIEWER)
    for scheme in ("Bearer", "bearer", "Token"):
        assert shared.raw(token, scheme=scheme).get("/status").status_code == 200


def test_programs_are_asked_for_a_bearer_token(shared: Any) -> None:
    assert shared.raw().get("/api/v1/models").headers["www-authenticate"].startswith("Bearer ")


def test_a_token_that_is_no_good_says_why(shared: Any) -> None:
    tokens = shared.services.tokens
    expired = shared.token(Role.VIEWER, days=-1)
    revoked, token = tokens.issue(Role.VIEWER, days=1)
    tokens.revoke(revoked.id)
    foreign = TokenIssuer(new_signing_key(), "fedn-network").issue(
        Role.OPERATOR, token_id="t", now=time.time(), lifetime=60
    )
    at_combiner = tokens.for_client("c", combiner="k", parent="")
    for bad, why in [
        ("nonsense", "malformed"),
        (expired, "expired"),
        (token, "revoked"),
        (foreign, "not issued by the network"),
        (at_combiner, "for combiner k"),
    ]:
        answer = shared.raw(bad).get("/api/v1/models")
        assert answer.status_code == 401
        assert why in answer.json()["error"]["message"]


def test_public_routes_ask_for_nothing_even_with_a_bad_token(shared: Any) -> None:
    assert shared.raw("nonsense").get("/api/v1/health").status_code == 200


def test_nobody_waits_for_a_long_body_of_someone_without_a_token(shared: Any) -> None:
    for body, code in ((b" " * 20_000, "too_large"), (iter([b"{}"]), "invalid_input")):  # the other one goes in chunks
        assert shared.raw().post("/api/v1/login", content=body).json()["error"]["code"] == code


def test_what_is_not_in_the_table_is_open_to_nobody(shared: Any) -> None:
    answer = shared.raw(shared.token(Role.OPERATOR)).options("/api/v1/models")
    assert answer.status_code == 403
    assert "open to nobody" in answer.json()["error"]["message"]


def test_head_is_as_get(shared: Any) -> None:
    assert shared.raw().head("/api/v1/models").status_code == 401
    assert shared.raw(shared.token(Role.VIEWER)).head("/api/v1/models").status_code == 200
