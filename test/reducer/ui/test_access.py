"""The page of tokens."""

from __future__ import annotations

from typing import Any

import pytest

from fedn.reducer.ui.access import state
from fedn.security.tokens import Role
from fedn.stores.documents import Token

DAY = 86_400.0


def test_all_that_were_issued_are_listed_with_how_they_are(reducer: Any, open_browser: Any) -> None:
    tokens = reducer.services.tokens
    hostile = "<script>alert(1)</script>" + "x" * 60 + "\u202egnp"
    tokens.issue(Role.CLIENT, days=90, subject=hostile)
    tokens.issue(Role.COMBINER, days=1, subject="soon over")
    tokens.revoke(tokens.issue(Role.VIEWER, days=90, subject="gone")[0].id)
    page = open_browser(reducer).page("/access")
    assert page.inline == []
    rows = page.text
    assert hostile in rows
    for name, word in (("soon over", "expires soon"), ("gone", "revoked"), (hostile, "good")):
        assert word in rows.partition(name)[2][:120]


def test_one_can_be_made_and_those_that_are_good_revoked(reducer: Any, open_browser: Any) -> None:
    tokens, browser = reducer.services.tokens, open_browser(reducer)
    good, bad = tokens.issue(Role.CLIENT, days=90)[0], tokens.issue(Role.CLIENT, days=90)[0]
    tokens.revoke(bad.id)
    page = browser.page("/access")
    assert "/api/v1/tokens" in page.forms
    assert f"/api/v1/tokens/{good.id}/revoke" in page.forms
    assert f"/api/v1/tokens/{bad.id}/revoke" not in page.forms
    assert page.fields <= page.labels
    assert len(set(page.ids)) == len(page.ids)
    own = page.text.partition("yours")
    assert own[0].endswith(" ")
    assert "you are logged in with" in browser.client.get("/access").text


@pytest.mark.parametrize(
    ("days", "revoked", "word"),
    [
        (0, False, "good"),
        (80, False, "good"),
        (94, False, "expires soon"),
        (100, False, "expired"),
        (5, True, "revoked"),
    ],
)
def test_how_a_token_is_depends_on_the_day(days: float, revoked: bool, word: str) -> None:
    times: dict[str, Any] = {"created_at": 0.0, "expires_at": 100 * DAY, "revoked_at": DAY if revoked else None}
    token = Token(id="t", role="client", subject="", **times)
    assert state(token, now=days * DAY) == word


def test_many_are_shown_a_page_at_a_time(reducer: Any, open_browser: Any) -> None:
    tokens, browser = reducer.services.tokens, open_browser(reducer)
    for number in range(210):
        tokens.issue(Role.CLIENT, days=90, subject=f"client-{number:03}")
    page = browser.page("/access")
    assert ("client-209" in page.text, "client-009" in page.text) == (True, False)
    [older] = [link for link in page.links if "before=" in link]
    page = browser.page(older)
    assert ("client-209" in page.text, "client-009" in page.text) == (False, True)
    assert "/access" in page.links


def test_it_is_for_operators_alone(shared: Any, open_browser: Any) -> None:
    browser = open_browser(shared, Role.VIEWER)
    answer = browser.client.get("/access")
    assert (answer.status_code, "a token of the role operator" in answer.text) == (403, True)
    assert "/access" not in browser.page("/network").links
    assert "/access" in open_browser(shared).page("/network").links
