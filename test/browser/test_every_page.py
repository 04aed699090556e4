"""Every page, light and dark, on a phone and on a desk: nothing in the console, nothing from elsewhere, nothing that
keeps people out."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser.visitor import DESKTOP, PAGES, PHONE, Visitor
from loopback import Federation
from playwright.async_api import Browser


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_is_sound(browser: Browser, tmp_path: Path, scheme: str, viewport: Any) -> None:
    async with Federation(tmp_path) as federation:
        for name in ("a", "b"):
            await federation.add_client(name)
        await federation.seed({"weights": np.zeros(3, np.float32), "bias": np.zeros(1, np.float32)})
        sessions = [await federation.session(rounds=2) for _ in range(2)]
        first, *_, last = [model.id for model in await federation.trail()]
        [one, *_] = await asyncio.to_thread(federation.operator.rounds, sessions[0].id)
        one_of_a_kind = (
            f"/sessions/{sessions[0].id}",
            f"/sessions/{sessions[0].id}/rounds/{one.id}",
            f"/sessions/compare?session_id={sessions[0].id}&session_id={sessions[1].id}",
            f"/models/{last}",
            f"/models/compare?a={first}&b={last}",
        )
        visitor = await Visitor.come(browser, federation.join("operator"), scheme=scheme, viewport=viewport)
        found = {}
        for path in (*PAGES, *one_of_a_kind):
            page = await visitor.open(path)
            found[path] = [*await visitor.serious(), *await visitor.too_wide()]
            assert await page.locator("h1").count() == 1, path
        assert {path: faults for path, faults in found.items() if faults} == {}
        await visitor.close()
