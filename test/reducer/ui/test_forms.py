"""What a browser gets that posts a form, and from where it may."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from fedn.security.tokens import Role

PAGE = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
OWN = {"sec-fetch-site": "same-origin"}


@pytest.fixture
def browser(reducer: Any) -> httpx.Client:
    """A browser with an operator's token as its password, on a page of the reducer."""
    client: httpx.Client = reducer.raw()
    client.auth = ("anybody", reducer.token(Role.OPERATOR))
    client.headers.update({"accept": PAGE, **OWN})
    return client


def test_a_network_is_set_up_in_a_browser(
    reducer: Any, browser: httpx.Client, model_file: Path, make_package: Any
) -> None:
    answers = [
        browser.post("/context", files={"file": ("mine.tgz", make_package().read_bytes())}, data={"helper": "keras"}),
        browser.post("/models", files={"seed": ("model.npz", model_file.read_bytes())}),
    ]
    reducer.add_clients("a")
    answers.append(browser.post("/control", data={"rounds": "2", "timeout": "60", "validate": "false", "task": ""}))
    assert [(answer.status_code, answer.headers["location"]) for answer in answers] == [
        (303, "/context"),
        (303, "/models"),
        (303, "/control"),
    ]
    http = reducer.http(Role.VIEWER)
    [package], [model], [session] = (
        http.get(f"/api/v1/{noun}")["items"] for noun in ("packages", "models", "sessions")
    )
    assert (package["name"], package["helper"]) == ("mine.tgz", "keras")
    assert (session["rounds"], session["validate"], session["start_model"]) == (2, False, model["id"])
    for shown, path in ((package["id"], "/context"), (model["id"], "/models"), (session["id"], "/control")):
        assert shown in browser.get(path).text


def test_what_is_wrong_is_said_on_the_page_of_the_form(
    reducer: Any, browser: httpx.Client, model_file: Path, make_package: Any
) -> None:
    for path, files, why in (
        ("/context", {"file": ("x.tgz", b"nothing")}, "is not a compute package"),
        ("/context", {"else": ("x.tgz", b"nothing")}, "the form has no file &#39;file&#39;"),
        ("/models", {"seed": ("x.npz", b"nothing")}, "That did not work"),
    ):
        answer = browser.post(path, files=files)
        assert (answer.status_code, answer.headers["content-type"]) == (400, "text/html; charset=utf-8")
        assert why in answer.text
        assert '<form method="post"' in answer.text
    reducer.http(Role.OPERATOR).upload("/api/v1/packages", make_package())
    reducer.http(Role.OPERATOR).upload("/api/v1/models", model_file)
    answer = browser.post("/context", files={"file": ("x.tgz", make_package(code=b"other").read_bytes())})
    assert (answer.status_code, "can&#39;t be replaced" in answer.text) == (409, True)


def test_a_form_that_failed_keeps_what_was_filled_in(reducer: Any, browser: httpx.Client, model_file: Path) -> None:
    reducer.http(Role.OPERATOR).upload("/api/v1/models", model_file)
    answer = browser.post("/control", data={"rounds": "7", "timeout": "x", "validate": "false", "task": '<a">'})
    assert answer.status_code == 400
    assert "timeout: " in answer.text
    for kept in ('value="7"', 'value="x"', '<option value="false" selected>', 'value="&lt;a&#34;&gt;"'):
        assert kept in answer.text


def test_a_file_over_the_limit_is_refused_on_the_page(start_reducer: Any, make_package: Any) -> None:
    with ExitStack() as stack:
        reducer = start_reducer(stack, max_package_bytes=100)
        login = ("", reducer.token(Role.OPERATOR))
        file = {"file": ("x.tgz", bytes(200_000))}
        answer = reducer.raw().post("/context", files=file, auth=login, headers={"accept": PAGE, **OWN})
    assert answer.status_code == 413
    assert "over the limit of 100 bytes" in answer.text


def test_programs_get_json_whatever_they_post(reducer: Any, browser: httpx.Client, model_file: Path) -> None:
    for accept in ("*/*", "application/json"):
        headers = {"accept": accept}
        assert "id" in browser.post("/models", files={"seed": model_file.read_bytes()}, headers=headers).json()
        assert (
            browser.post("/control", data={"rounds": "x"}, headers=headers).json()["error"]["code"] == "invalid_input"
        )


@pytest.mark.parametrize("path", ["/context", "/models", "/control"])
def test_a_password_counts_only_on_forms_of_this_reducer_s_pages(shared: Any, path: str) -> None:
    own = f"https://localhost:{shared.port}"
    login = ("", shared.token(Role.OPERATOR))
    client = shared.raw()

    def post(**headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer: httpx.Response = client.post(path, auth=login, headers=sent, data={"rounds": "x"})
        return answer

    for headers in (
        {"sec_fetch_site": "cross-site", "origin": "https://evil.example"},
        {"sec_fetch_site": "same-site", "origin": f"https://localhost:{shared.port + 1}"},
        {"sec_fetch_site": "none", "origin": own},
        {"sec_fetch_site": "cross-site", "origin": own},
        {"origin": "https://evil.example"},
        {"origin": f"http://localhost:{shared.port}"},
        {"origin": f"{own}.evil.example"},
        {"origin": "null"},
        {},
    ):
        answer = post(**headers)
        assert answer.status_code == 403, headers
        problem = answer.json()["error"]
        assert headers.get("origin", "an unknown place") in problem["message"]
        assert f"not a page of {own}" in problem["message"]
        assert "Authorization: Bearer" in problem["hint"]
    for headers in (
        {"origin": own},
        {"sec_fetch_site": "same-origin", "origin": own},
        {"sec_fetch_site": "same-origin"},
    ):
        assert post(**headers).status_code == 400


def test_a_form_s_page_doesn_t_make_a_viewer_an_operator(shared: Any) -> None:
    client = shared.raw()
    assert client.post("/control", headers=OWN).status_code == 401
    assert client.post("/control", headers=OWN, auth=("", shared.token(Role.VIEWER))).status_code == 403


def test_browsers_may_post_the_forms_and_say_from_where(shared: Any) -> None:
    """By what the pages tell them: without it they post nothing, or hide where it comes from."""
    headers = shared.raw(shared.token(Role.OPERATOR)).get("/models").headers
    assert "form-action 'self'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "same-origin"
