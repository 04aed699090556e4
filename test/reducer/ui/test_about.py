"""The pages of settings and about."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest

from fedn.security.tokens import Role


def test_settings_are_shown_with_what_they_mean_and_without_secrets(start_reducer: Any, open_browser: Any) -> None:
    with ExitStack() as stack:
        reducer = start_reducer(stack, network_id="ward-7", token="hush")
        page = open_browser(reducer, Role.VIEWER).page("/settings")
    assert "network_id ward-7 Name of the federation" in page.text
    assert "certificate_seconds 7776000 " in page.text
    assert "hush" not in page.text
    assert "••••" in page.text


def test_about_names_the_libraries_and_their_licences(shared: Any, open_browser: Any) -> None:
    page = open_browser(shared, Role.VIEWER).page("/about")
    assert shared.services.authority.fingerprint in page.text
    assert "Flask" in page.text
    assert "Apache License, Version 2.0" in page.text


@pytest.mark.parametrize(
    ("former", "present"), [("/eula", "/about"), ("/control", "/sessions"), ("/netgraph", "/network")]
)
def test_addresses_of_2021_lead_to_the_pages_of_today(
    shared: Any, open_browser: Any, former: str, present: str
) -> None:
    answer = open_browser(shared, Role.VIEWER).client.get(former)
    assert (answer.status_code, answer.headers["location"]) == (303, present)
