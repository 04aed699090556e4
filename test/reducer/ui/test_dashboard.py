"""The dashboard: which plots it has drawn, and of what."""

from __future__ import annotations

import html
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from measured import validated

from fedn.reducer.plots import PLOTS
from fedn.security.tokens import Role
from fedn.stores.documents import Sample, Session
from fedn.stores.protocols import Change, Insert

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def seeded(reducer: Any, model_file: Path) -> Any:
    reducer.http(Role.OPERATOR).upload("/api/v1/models", model_file)
    return reducer


def plots(browser: Any, path: str) -> dict[str, str]:
    """Name of each plot of the page, and where it is fetched from."""
    text = browser.client.get(path).text
    found = [html.unescape(address) for address in re.findall('data-plot="([^"]*)"', text)]
    return {address.partition("?")[0].rpartition("/")[2]: address for address in found}


def measured(session: Session, metrics: dict[str, float]) -> list[Change]:
    return [Insert(session), *validated(uuid.uuid4().hex, {"ada": metrics}, session_id=session.id)]


def test_it_has_every_plot_there_is_with_its_caption_and_its_files(seeded: Any, open_browser: Any) -> None:
    browser = open_browser(seeded)
    found = plots(browser, "/dashboard")
    assert found.keys() == PLOTS.keys() - {"session-times"}
    text = browser.client.get("/dashboard").text
    for name, address in found.items():
        figure = text[text.index(f'data-plot="{address}"') :]
        figure = figure[: figure.index("</figure>")]
        assert re.search('<p class="about">[A-Z].{40,}</p>', figure), name
        assert "data-png" in figure
        assert f'href="{address}?format=csv" download' in figure
        assert 'role="img" aria-label="' in figure
    assert browser.page("/dashboard").inline == []


def test_what_is_chosen_is_what_is_drawn(seeded: Any, open_browser: Any) -> None:
    first, second = (Session(id=f"s{number}-{HOSTILE}", rounds=1, created_at=1.0) for number in (1, 2))
    sample = Sample(id="x", at=1.0, node="reducer", role="reducer", processor=0.5, memory_bytes=1, clients=0)
    seeded.services.state.write(
        *measured(first, {"loss": 2.0, HOSTILE: 1.0}), *measured(second, {"mse": 1.0}), Insert(sample)
    )
    browser = open_browser(seeded)
    page = browser.page("/dashboard")
    for name in ("loss", "mse", HOSTILE):
        assert name in page.text
    assert page.inline == []
    query = {"session_id": first.id, "metric": HOSTILE}
    chosen = str(browser.client.build_request("GET", "/dashboard", params=query).url)
    assert "mse" not in browser.page(chosen).text
    found = plots(browser, chosen)
    for name in ("metric", "convergence"):
        figure = browser.client.get(found[name]).json()
        assert html.unescape(figure["layout"]["title"]["text"]) == HOSTILE
        assert len(figure["data"]) == 1
    assert browser.client.get(found["client-times"]).status_code == 409  # nobody has trained in it
    assert browser.client.get(found["machines"]).status_code == 200
    csv = browser.client.get(f"{found['convergence']}&format=csv")
    assert csv.text.splitlines()[1].endswith(",1,1.0")


def test_a_session_that_is_not_there_is_said(seeded: Any, open_browser: Any) -> None:
    answer = open_browser(seeded).client.get("/dashboard?session_id=none")
    assert (answer.status_code, "No session &#39;none&#39;" in answer.text) == (404, True)


def test_with_nothing_measured_it_says_so(seeded: Any, open_browser: Any) -> None:
    viewer = open_browser(seeded, Role.VIEWER)
    assert "none measured yet" in viewer.page("/dashboard").text
    for name, address in plots(viewer, "/dashboard").items():
        if name != "machines":
            assert viewer.client.get(address).json()["error"]["code"] == "not_ready"
            figure = viewer.client.get(address, params={"empty": "true"}).json()
            assert figure["data"] == []
            assert figure["layout"]["meta"]["empty"]["hint"].startswith("start a session")


def test_before_set_up_it_leads_there(reducer: Any, open_browser: Any) -> None:
    answer = open_browser(reducer).client.get("/dashboard")
    assert (answer.status_code, answer.headers["location"]) == (303, "/setup")
