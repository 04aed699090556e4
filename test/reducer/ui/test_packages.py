"""The page of compute packages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fedn.security.tokens import Role

PACKAGES = "/api/v1/packages"


def test_without_one_it_says_what_to_do(reducer: Any, open_browser: Any) -> None:
    page = open_browser(reducer).page("/packages")
    assert "None is set. Upload one below" in page.text
    assert PACKAGES in page.forms
    assert page.fields <= page.labels
    page = open_browser(reducer, Role.VIEWER).page("/packages")
    assert "An operator uploads one" in page.text
    assert "takes an operator's token" in page.text
    assert page.forms == ["/api/v1/logout"]


def test_the_one_in_use_is_shown_with_all_that_clients_run(reducer: Any, open_browser: Any, make_package: Any) -> None:
    browser, operator = open_browser(reducer, Role.VIEWER), reducer.http(Role.OPERATOR)
    manifest = b"""
entry_points:
  train: {command: python3 train.py --note '<b>&"</b>'}
  validate: {command: python3 validate.py, warm: true}
  other: {command: nobody runs this}
helper: keras
"""
    first = operator.upload(PACKAGES, make_package("first.tgz"), name="first.tgz")
    archive = make_package("second.tgz", manifest=manifest)
    second = operator.upload(PACKAGES, archive, name="second.tgz")
    assert second["entry_points"] == {
        "train": "python3 train.py --note '<b>&\"</b>'",
        "validate": "python3 validate.py",
    }
    page = browser.page("/packages")
    for shown in (second["id"], second["md5"], "second.tgz", "keras", *second["entry_points"].values()):
        assert shown in page.text
    assert page.inline == []
    assert "nobody runs this" not in page.text
    assert page.text.index("second.tgz in use") < page.text.index("first.tgz replaced")
    for package in (first, second):
        assert f"{PACKAGES}/{package['id']}/data" in page.links
    answer = browser.client.get(f"{PACKAGES}/{second['id']}/data")
    assert answer.content == archive.read_bytes()
    assert answer.headers["content-disposition"] == "attachment; filename=second.tgz"


def test_a_seeded_network_s_package_can_t_be_replaced_and_it_says_so(
    reducer: Any, open_browser: Any, make_package: Any, model_file: Path
) -> None:
    browser, operator = open_browser(reducer), reducer.http(Role.OPERATOR)
    operator.upload(PACKAGES, make_package())
    assert PACKAGES in browser.page("/packages").forms
    operator.upload("/api/v1/models", model_file)
    page = browser.page("/packages")
    assert PACKAGES not in page.forms
    assert "the federation is seeded" in page.text
    assert "POST /drop_control" in page.text


def test_a_browser_sees_it_at_the_address_of_2021_too_and_programs_get_the_package(
    reducer: Any, open_browser: Any, make_package: Any
) -> None:
    browser = open_browser(reducer)
    assert browser.page("/context").headings == ["Packages"]
    archive = make_package()
    reducer.http(Role.OPERATOR).upload(PACKAGES, archive)
    assert browser.page("/context").headings == ["Packages"]
    assert browser.client.get("/context", headers={"accept": "*/*"}).content == archive.read_bytes()
