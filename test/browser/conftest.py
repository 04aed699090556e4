from __future__ import annotations

import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright, expect
from waiting import DEADLINE

CHROMIUM = shutil.which("chromium")

expect.set_options(timeout=1000 * DEADLINE)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A real browser, without a screen."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium here; as root, `make test` installs it")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()
