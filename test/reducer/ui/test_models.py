"""The pages of models, of models that real sessions could have left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedn.security.tokens import Role


@pytest.fixture(scope="module")
def seeded(start_reducer: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A network with two seeds of one architecture and one of another."""
    folder = tmp_path_factory.mktemp("models")
    with ExitStack() as stack:
        reducer = start_reducer(stack)
        http = reducer.http(Role.OPERATOR)
        reducer.ids = []
        for number, array in enumerate((np.zeros(3, np.float32), np.full(3, 2, np.float32), np.ones(2, np.float32))):
            np.savez(folder / f"{number}.npz", **{"<b>weights</b>": array})
            reducer.ids.append(http.upload("/api/v1/models", folder / f"{number}.npz")["id"])
        yield reducer


def test_the_trail_shows_the_newest_first_with_the_ways_on(seeded: Any, open_browser: Any) -> None:
    page = open_browser(seeded).page("/models")
    places = [page.text.index(f"Seed · {one[:8]}") for one in reversed(seeded.ids)]
    assert places == sorted(places)
    for one in seeded.ids:
        assert {f"/models/{one}", f"/api/v1/models/{one}/data"} <= set(page.links)
    assert "/api/v1/models" in page.forms


def test_a_long_trail_is_shown_a_page_at_a_time(reducer: Any, open_browser: Any, tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", w=np.zeros(1, np.float32))
    http = reducer.http(Role.OPERATOR)
    ids = [http.upload("/api/v1/models", tmp_path / "m.npz")["id"] for _ in range(27)]
    browser = open_browser(reducer)
    first = browser.page("/models")
    [older] = [link for link in first.links if "before=" in link]
    second = browser.page(older)
    shown = [[one for one in ids if f"/models/{one}" in page.links] for page in (first, second)]
    assert [len(each) for each in shown] == [25, 2]
    assert shown[1] == ids[:2]


def test_a_model_is_shown_by_its_tag_which_can_be_taken_off(seeded: Any, open_browser: Any) -> None:
    model = seeded.ids[0]
    seeded.http(Role.OPERATOR).put("/api/v1/tags/production", {"model": model})
    page = open_browser(seeded).page("/models/production")
    assert f"Model {model[:8]}" in page.headings
    assert "production" in page.text
    assert page.forms.count("/api/v1/tags/production") == 2  # to set it, and to take it off
    assert f"/sessions?start_model={model}#start" in page.links


def test_a_viewer_looks_and_changes_nothing(seeded: Any, open_browser: Any) -> None:
    browser = open_browser(seeded, Role.VIEWER)
    for path in ("/models", f"/models/{seeded.ids[0]}"):
        assert browser.page(path).forms == ["/api/v1/logout"]


def test_two_models_are_compared_array_by_array(seeded: Any, open_browser: Any) -> None:
    first, second, _ = seeded.ids
    page = open_browser(seeded).page(f"/models/compare?a={second}&b={first}")
    assert "<b>weights</b> 3 float32 3.4641 0 3.4641 1.0000" in page.text
    assert not page.inline


def test_models_of_other_arrays_say_what_differs(seeded: Any, open_browser: Any) -> None:
    first, _, other = seeded.ids
    page = open_browser(seeded).page(f"/models/compare?a={first}&b={other}")
    assert "has the shapes" in page.text
    assert "Numbers in it 3 2" in page.text


def test_nothing_chosen_says_what_to_do_and_an_unknown_one_what_is_wrong(seeded: Any, open_browser: Any) -> None:
    browser = open_browser(seeded)
    assert "Choose two models" in browser.page("/models/compare").text
    answer = browser.client.get("/models/nothing")
    assert (answer.status_code, "No model &#39;nothing&#39;" in answer.text) == (404, True)


def test_no_model_yet_says_what_to_do(shared: Any, open_browser: Any) -> None:
    assert "No model yet" in open_browser(shared).page("/models").text
