"""The status page of a client in a browser: it follows by itself, and what it logs stays text."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import project
from browser.visitor import DESKTOP, PHONE, Visitor, stay, stayed
from loopback import Federation
from playwright.async_api import Browser, expect
from processes import Process

IMAGE = '"><img src=x onerror=window.hacked=1>'
PRINTED = f"<script>window.hacked=1</script>{IMAGE} שלום \x1b[31mred 🦊 {'y' * 200}"
SHOWN = ("<script>window.hacked=1</script>", IMAGE, "שלום", "\\x1b[31mred", "🦊", "y" * 200)


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_of_a_client(browser: Browser, tmp_path: Path, scheme: str, viewport: Any) -> None:
    async with Federation(tmp_path / "data") as federation:
        archive = await asyncio.to_thread(project.package, tmp_path)
        await asyncio.to_thread(federation.operator.upload_package, archive)
        await federation.seed({"weights": np.zeros(3, np.float32)})
        words = ("--name", "north-7", "--status-port", "0")
        client = await Process.start("client", *words, data_dir=federation.folder)
        try:
            address = (await client.says(r"status page is at (http://127\.0\.0\.1:\d+)/"))[1]
            visitor = await Visitor.open_at(browser, address, scheme=scheme, viewport=viewport)
            page = visitor.page
            await page.goto(f"{address}/")
            await expect(page.get_by_role("heading", level=1)).to_have_text("north-7")
            await expect(page.get_by_role("status")).to_have_text("waiting")
            await stay(page)

            await federation.session(rounds=1, parameters={"metric": IMAGE})
            await expect(page.get_by_role("rowheader", name=IMAGE)).to_be_visible()
            await federation.session(rounds=1, attempts=1, parameters={"print": PRINTED})
            log = page.get_by_role("list", name="Log")
            for text in SHOWN:
                await expect(log).to_contain_text(text)
            await expect(page.get_by_role("definition").filter(has_text="1, over")).to_be_visible()

            assert await stayed(page)
            assert not await page.evaluate("'hacked' in window")
            assert await visitor.too_wide() == []
            assert await visitor.serious() == []
            await visitor.close()
        finally:
            await client.stop()
