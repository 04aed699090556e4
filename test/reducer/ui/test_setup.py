"""The page that leads from an empty network to one that trains."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from fedn.security.join import JoinString
from fedn.security.tokens import Role

JSON = {"accept": "application/json"}
TOKENS, PACKAGES, MODELS, SESSIONS = (f"/api/v1/{noun}" for noun in ("tokens", "packages", "models", "sessions"))
SEEDING = b"entry_points: {train: {command: python3 train.py}, seed: {command: python3 seed.py --size 3}}\n"


def states(browser: Any, path: str = "/setup") -> list[str]:
    """Of the four steps, in order."""
    return re.findall(r'<h2>[\w -]+ <span class="state \w+">([\w ]+)</span></h2>', browser.client.get(path).text)


def test_each_step_opens_when_the_one_before_it_is_done(
    reducer: Any, open_browser: Any, make_package: Any, model_file: Path
) -> None:
    browser, operator = open_browser(reducer), reducer.http(Role.OPERATOR)
    page = browser.page("/setup")
    assert (states(browser), page.forms[1:]) == (["next", "later", "later", "later"], [PACKAGES])
    operator.upload(PACKAGES, make_package(manifest=SEEDING), name="mine.tgz")
    page = browser.page("/setup")
    assert (states(browser), page.forms[1:]) == (["done", "next", "later", "later"], [MODELS])
    assert "mine.tgz" in page.text
    assert "cd client && python3 seed.py --size 3 ../seed.npz && cd .. fedn model seed seed.npz" in page.text
    model = operator.upload(MODELS, model_file)
    page = browser.page("/setup")
    assert (states(browser), page.forms[1:]) == (["done", "done", "next", "later"], [TOKENS, TOKENS])
    assert "A combiner first" in page.text
    assert f"/models/{model['id']}" in page.links
    reducer.add_clients("ada")
    page = browser.page("/setup")
    assert (states(browser), page.forms[1:]) == (["done", "done", "done", "next"], [TOKENS, SESSIONS])
    assert "A combiner first" not in page.text
    assert "Connected now: 1" in page.text
    assert '<th scope="row">ada</th><td>c1</td>' in browser.client.get("/setup").text
    session = operator.post(SESSIONS, {"rounds": 2})
    page = browser.page("/setup")
    assert (states(browser), page.forms[1:]) == (["done", "done", "done", "done"], [TOKENS])
    assert f"/sessions/{session['id']}" in page.links
    assert "All steps are done" in page.text


def test_other_pages_lead_here_until_there_is_a_model(
    reducer: Any, open_browser: Any, make_package: Any, model_file: Path
) -> None:
    browser, operator = open_browser(reducer, Role.VIEWER), reducer.http(Role.OPERATOR)
    for path, file in ((PACKAGES, make_package()), (MODELS, model_file)):
        answer = browser.client.get("/")
        assert (answer.status_code, answer.headers["location"]) == (303, "/setup")
        assert "/setup" in browser.page("/packages").links
        operator.upload(path, file)
    assert browser.client.get("/").status_code == 200
    assert "/setup" not in browser.page("/packages").links


def test_the_package_may_be_left_out(reducer: Any, open_browser: Any, model_file: Path) -> None:
    browser = open_browser(reducer)
    assert "/setup?package=none" in browser.page("/setup").links
    page = browser.page("/setup?package=none")
    assert (states(browser, "/setup?package=none"), page.forms[1:]) == (
        ["left out", "next", "later", "later"],
        [MODELS],
    )
    assert "/setup" in page.links
    reducer.http(Role.OPERATOR).upload(MODELS, model_file)
    assert states(browser) == ["left out", "done", "next", "later"]


def test_viewers_see_the_steps_but_no_form_and_why(
    reducer: Any, open_browser: Any, make_package: Any, model_file: Path
) -> None:
    browser, operator = open_browser(reducer, Role.VIEWER), reducer.http(Role.OPERATOR)
    for step in (
        lambda: operator.upload(PACKAGES, make_package()),
        lambda: operator.upload(MODELS, model_file),
        lambda: reducer.add_clients("ada"),
        lambda: None,
    ):
        page = browser.page("/setup")
        assert page.forms == ["/api/v1/logout"]
        assert "to set something up takes an operator's token" in page.text
        step()


def test_what_is_on_the_page_is_labelled_and_no_name_becomes_markup(
    reducer: Any, open_browser: Any, make_package: Any, model_file: Path
) -> None:
    browser, operator = open_browser(reducer), reducer.http(Role.OPERATOR)
    hostile = b"entry_points: {train: {command: a}, seed: {command: '<script>alert(1)</script>'}}\n"
    operator.upload(PACKAGES, make_package(manifest=hostile))
    assert "<script>alert(1)</script> ../seed.npz" in browser.page("/setup").text
    operator.upload(MODELS, model_file)
    name = "<img src=x onerror=alert(1)> שלום"
    reducer.add_clients(name)
    for path in ("/setup", "/setup?package=none"):
        page = browser.page(path)
        assert name in page.text
        assert page.inline == []
        assert page.fields <= page.labels
        assert len(set(page.ids)) == len(page.ids)


@pytest.mark.parametrize("role", ["client", "combiner"])
def test_the_forms_for_newcomers_post_what_makes_a_token(
    reducer: Any, open_browser: Any, model_file: Path, role: str
) -> None:
    browser = open_browser(reducer)
    reducer.http(Role.OPERATOR).upload(MODELS, model_file)
    assert f'<input type="hidden" name="role" value="{role}">' in browser.client.get("/setup").text
    wanted = {"role": role, "name": "a b", "days": 3}
    made = browser.client.post(TOKENS, json=wanted, headers={**JSON, **browser.csrf()}).json()
    join = JoinString.parse(shlex.split(made["join"])[0])
    claims = reducer.services.tokens.verify(join.token)
    assert (claims.role, claims.subject) == (role, "a b")
