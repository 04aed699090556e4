"""Logging in, and what a browser that is logged in may be made to do by others."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from reducer.ui.conftest import Browser

from fedn.reducer.feed import Notice
from fedn.security.policy import ROUTES
from fedn.security.tokens import Role

JSON = {"accept": "application/json"}


def test_nobody_is_led_to_the_log_in_and_from_there_to_the_page_they_wanted(shared: Any, open_browser: Any) -> None:
    browser = open_browser(shared, None)
    answer = browser.client.get("/network?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Fnetwork%3Fx%3D1")
    assert 'data-then="/network?x=1"' in browser.client.get(answer.headers["location"]).text


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x"]
    + [f"/{dropped}/evil.example" for dropped in "\t\n\r"],
)
def test_a_log_in_leads_to_no_other_place(shared: Any, open_browser: Any, elsewhere: str) -> None:
    page = open_browser(shared, None).client.get("/login", params={"next": elsewhere})
    assert 'data-then="/"' in page.text


def test_the_cookie_is_for_this_reducer_alone_and_no_script_sees_it(shared: Any) -> None:
    answer = shared.raw().post("/api/v1/login", json={"token": shared.token(Role.VIEWER)})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"__Host-fedn-{shared.services.authority.fingerprint[:12]}=")
    for word in ("Secure", "HttpOnly", "Path=/", "SameSite=Strict", "Max-Age=43"):
        assert word in cookie
    assert answer.json()["role"] == "viewer"


def test_a_join_string_does_as_well_as_its_token(shared: Any) -> None:
    join = shared.services.tokens.join_string(shared.token(Role.OPERATOR), host="elsewhere", port=1)
    client = shared.raw()
    assert client.post("/api/v1/login", json={"token": f"  {join}\n"}).status_code == 200
    assert client.get("/api/v1/tokens").status_code == 200


def test_a_login_ends_with_the_token_it_came_from(shared: Any) -> None:
    document, token = shared.services.tokens.issue(Role.VIEWER, days=0.1)
    client = shared.raw()
    answer = client.post("/api/v1/login", json={"token": token})
    assert answer.json()["seconds"] <= 8640
    assert client.get("/api/v1/models").status_code == 200
    shared.services.tokens.revoke(document.id)
    assert client.get("/api/v1/models").status_code == 401


def test_who_watches_sees_nothing_more_once_the_token_is_revoked(shared: Any) -> None:
    document, token = shared.services.tokens.issue(Role.VIEWER, days=1)
    client = shared.raw()
    client.post("/api/v1/login", json={"token": token}).raise_for_status()
    with client.stream("GET", "/api/v1/events/watch") as stream:
        lines = stream.iter_lines()
        assert next(lines) == ": watching"
        shared.services.tokens.revoke(document.id)
        shared.services.feed.publish(Notice("network"))
        assert list(lines) == [""]


def test_who_logged_out_is_out_even_with_the_cookie_kept(shared: Any, open_browser: Any) -> None:
    browser = open_browser(shared, Role.VIEWER)
    kept = dict(browser.client.cookies)
    assert browser.client.post("/api/v1/logout", headers=browser.csrf()).status_code == 204
    assert not browser.client.cookies
    browser.client.cookies.update(kept)
    assert browser.client.get("/api/v1/models", headers=JSON).status_code == 401


@pytest.mark.parametrize("role", [Role.CLIENT, Role.COMBINER])
def test_members_of_the_network_have_no_pages(shared: Any, role: Role) -> None:
    answer = shared.raw().post("/api/v1/login", json={"token": shared.token(role)})
    assert (answer.status_code, f"the token is for a {role.value}" in answer.text) == (403, True)


def test_the_cookie_s_token_counts_as_nothing_else(shared: Any, open_browser: Any) -> None:
    [token] = open_browser(shared).client.cookies.values()
    answer = shared.raw(token).get("/api/v1/models")
    assert (answer.status_code, "for browser" in answer.text) == (401, True)
    assert shared.raw().post("/api/v1/login", json={"token": token}).status_code == 401
    client = shared.raw()
    client.cookies.set(f"__Host-fedn-{shared.services.authority.fingerprint[:12]}", shared.token(Role.OPERATOR))
    assert client.get("/api/v1/models").status_code == 401


def test_whatever_changes_something_takes_the_word_of_this_login_s_pages(shared: Any, open_browser: Any) -> None:
    browser, other = open_browser(shared), open_browser(shared)
    for headers in ({}, other.csrf(), {"x-csrf-token": b"\xfc"}):
        for method, path in (("POST", "/api/v1/tokens"), ("POST", "/drop_control"), ("POST", "/control")):
            answer = browser.client.request(method, path, headers={**JSON, **headers})
            assert (answer.status_code, "X-CSRF-Token" in answer.text) == (403, True)
    answer = browser.client.post("/api/v1/tokens", json={"role": "viewer"}, headers={**JSON, **browser.csrf()})
    assert answer.status_code == 201


def test_no_route_changes_anything_by_the_cookie_alone(shared: Any, open_browser: Any) -> None:
    client = open_browser(shared).client
    changing = [key.split() for key in ROUTES if not key.startswith("GET ") and key != "POST /api/v1/login"]
    assert len(changing) > 15
    for method, rule in changing:
        answer = client.request(method, re.sub(r"<[^>]+>", "x", rule), headers=JSON)
        assert (answer.status_code, "X-CSRF-Token" in answer.text) == (403, True), rule


def test_no_other_site_logs_a_browser_in(shared: Any) -> None:
    token = {"token": shared.token(Role.OPERATOR)}
    own = f"https://localhost:{shared.port}"

    def post(**headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer: httpx.Response = shared.raw().post("/api/v1/login", json=token, headers=sent)
        return answer

    for headers in (
        {"sec_fetch_site": "cross-site", "origin": "https://evil.example"},
        {"sec_fetch_site": "same-site", "origin": f"https://localhost:{shared.port + 1}"},
        {"sec_fetch_site": "cross-site", "origin": own},
        {"origin": f"http://localhost:{shared.port}"},
        {"origin": f"{own}.evil.example"},
        {"origin": "null"},
    ):
        assert post(**headers).status_code == 403, headers
    for headers in ({"origin": own}, {"sec_fetch_site": "same-origin", "origin": own}, {}):
        assert post(**headers).status_code == 200, headers


def test_what_a_login_does_is_done_by_the_token_it_came_from(reducer: Any) -> None:
    document, token = reducer.services.tokens.issue(Role.OPERATOR, days=1, subject="Ada")
    browser = Browser(reducer.raw(), token)
    for path, body in (("/api/v1/tokens", {"role": "viewer"}), (f"/api/v1/tokens/{document.id}/revoke", None)):
        assert browser.client.post(path, json=body, headers={**JSON, **browser.csrf()}).status_code in (200, 201)
    events = reducer.http(Role.VIEWER).get("/api/v1/events", level="audit")["items"]
    assert [(event["kind"], event["data"]["by"]) for event in events] == [
        ("token_revoked", document.id),
        ("token_created", document.id),
    ]


def test_a_link_makes_no_token(shared: Any, open_browser: Any) -> None:
    client, tokens = open_browser(shared).client, shared.http(Role.OPERATOR)
    before = len(tokens.get("/api/v1/tokens")["items"])
    for headers in (JSON, {"accept": "text/html", "sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}):
        answer = client.get("/config/download", headers=headers)
        assert (answer.status_code, answer.headers["location"]) == (303, "/access")
    assert len(tokens.get("/api/v1/tokens")["items"]) == before


def test_a_token_given_as_a_password_is_not_taken(shared: Any) -> None:
    answer = shared.raw().get("/api/v1/models", auth=("", shared.token(Role.OPERATOR)))
    assert (answer.status_code, "Authorization: Bearer" in answer.text) == (401, True)
