"""A page that can't be shown, or kept up to date, while a store is away says so, and comes back by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

from browser.visitor import Visitor, stay, stayed
from loopback import Federation
from playwright.async_api import Browser, expect
from servers import MongoServer, running


async def test_a_page_comes_back_with_its_store(browser: Browser, tmp_path: Path) -> None:
    with running(MongoServer(tmp_path / "mongo")) as mongo:
        async with Federation(tmp_path / "data", combiners=0, statestore=mongo.settings(timeout=2.0)) as federation:
            visitor = await Visitor.come(browser, federation.join("operator"))
            before = await visitor.context.new_page()
            await before.goto(f"{visitor.base}/events")
            await expect(before.locator("#line")).to_have_text("live")
            mongo.kill()
            page = await visitor.open("/access")
            await expect(before.locator("#line")).to_have_text("not up to date, trying again")
            await expect(page.get_by_role("heading", level=1)).to_have_text("The state store can't be reached")
            await expect(page.get_by_role("alert")).to_contain_text("has been out of reach since")
            await stay(page)
            async with page.expect_response(lambda answer: answer.url.endswith("/access")) as asked:
                pass
            assert (await asked.value).status == 503
            assert await stayed(page)  # what asks is a script: nothing is loaded anew as long as there is nothing new
            await asyncio.to_thread(mongo.start)
            await expect(page.get_by_role("heading", level=1)).to_have_text("Access")
            await expect(before.locator("#line")).to_have_text("live")
            assert visitor.forget("503") >= 2
            await visitor.close()
