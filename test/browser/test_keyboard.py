"""All of it by keyboard alone, and where the focus is can always be seen."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
from browser.visitor import PAGES, PHONE, Visitor
from loopback import Federation
from playwright.async_api import Browser, Locator, Page, expect

ZEROS = {"weights": np.zeros(3, np.float32)}
MANY = 200  # presses of Tab that no page takes

_FOCUSED = """() => {
  const one = document.activeElement;
  if (one === document.body) return null;
  const name = `${one.tagName} ${one.id || one.getAttribute("href") || one.textContent.trim().slice(0, 40)}`;
  if (window.former === one) return [name, true]; // the next part of a field, such as of a date
  window.former = one;
  const parts = [one, ...one.querySelectorAll(".box, circle, .ground")];
  const look = () => JSON.stringify(parts.map((part) => {
    const { outlineStyle, outlineWidth, boxShadow, stroke, strokeWidth } = getComputedStyle(part);
    return [outlineStyle === "none" ? "" : outlineWidth, boxShadow, stroke, strokeWidth];
  }));
  const focused = look();
  one.blur();
  const seen = look() !== focused;
  one.focus({ preventScroll: true });
  const { width, height } = one.getBoundingClientRect();
  return [name, seen && width * height > 0];
}"""


async def reach(page: Page, where: Locator) -> None:
    """Press Tab until the focus is there."""
    for _ in range(MANY):
        await page.keyboard.press("Tab")
        if await where.evaluate("(one) => one === document.activeElement"):
            return
    raise AssertionError(f"Tab doesn't lead to {where}")


async def walk(page: Page) -> list[tuple[str, bool]]:
    """Press Tab until the end of the page: what got the focus, and whether that could be seen."""
    found: list[Any] = []
    for _ in range(MANY):
        await page.keyboard.press("Tab")
        if (one := await page.evaluate(_FOCUSED)) is None:
            return [tuple(one) for one in found]
        found.append(one)
    raise AssertionError(f"the focus is trapped among {found[-5:]}")


async def test_the_focus_can_be_seen_and_is_trapped_nowhere(browser: Browser, tmp_path: Path) -> None:
    async with Federation(tmp_path) as federation:
        await federation.add_client("ada")
        await federation.seed(ZEROS)
        session = await federation.session(rounds=1)
        seed, model = await federation.trail()
        [one, *_] = await asyncio.to_thread(federation.operator.rounds)
        visitor = await Visitor.come(browser, federation.join("operator"))
        own = (
            f"/sessions/{session.id}",
            f"/sessions/{session.id}/rounds/{one.id}",
            f"/models/{model.id}",
            f"/models/compare?a={seed.id}&b={model.id}",
        )
        unseen = {}
        for path in (*PAGES, *own):
            stops = await walk(await visitor.open(path))
            assert stops[0] == ("A #main", True), path
            assert len(stops) > len(PAGES), path
            if hidden := [name for name, seen in stops if not seen]:
                unseen[path] = hidden
        assert unseen == {}
        await visitor.close()


async def test_a_session_is_started_without_a_mouse(browser: Browser, tmp_path: Path) -> None:
    async with Federation(tmp_path) as federation:
        for name in ("ada", "grace"):
            await federation.add_client(name)
        await federation.seed(ZEROS)
        await federation.session(rounds=1)
        visitor = await Visitor.come(browser, federation.join("operator"), log_in=False)
        page, keys = visitor.page, visitor.page.keyboard
        await page.goto(f"{visitor.base}/login")
        await expect(page.get_by_label("Token")).to_be_focused()
        await keys.type(visitor.join)
        await keys.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Home")

        await reach(page, page.get_by_role("link", name="To the content"))
        await keys.press("Enter")
        await expect(page.get_by_role("main")).to_be_focused()
        await page.reload()
        await reach(page, page.get_by_role("navigation", name="Pages").get_by_role("link", name="Sessions"))
        await keys.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Sessions")
        await reach(page, page.get_by_label("Rounds", exact=True))
        await keys.press("Control+A")
        await keys.type("1")
        await keys.press("Enter")
        await expect(page.get_by_role("region", name="How it stands")).to_contain_text("finished")

        page = await visitor.open("/network")
        rows = page.get_by_role("region", name="Clients").get_by_role("row")
        await reach(page, page.get_by_role("region", name="Clients").get_by_role("button", name="Name"))
        for order, first in (("ascending", "ada"), ("descending", "grace")):
            await keys.press("Enter")
            await expect(page.get_by_role("columnheader", name="Name").nth(1)).to_have_attribute("aria-sort", order)
            await expect(rows.nth(1)).to_contain_text(first)

        page = await visitor.open("/network")
        await reach(page, page.get_by_role("button", name="Reducer"))
        for key, part in (("ArrowDown", "Combiner c0"), ("ArrowDown", "Client ada"), ("ArrowRight", "Client grace")):
            await keys.press(key)
            await expect(page.get_by_role("button", name=part)).to_be_focused()
        panel = page.get_by_role("complementary", name="The chosen part")
        await keys.press("Enter")
        await expect(panel).to_be_focused()
        await expect(panel).to_contain_text("grace")
        await keys.press("Escape")
        await expect(page.get_by_role("button", name="Client grace")).to_be_focused()
        await visitor.close()


async def test_the_menu_of_a_phone_opens_without_a_finger(browser: Browser, tmp_path: Path) -> None:
    async with Federation(tmp_path, combiners=0) as federation:
        visitor = await Visitor.come(browser, federation.join("operator"), viewport=PHONE)
        page = await visitor.open("/about")
        menu, link = page.get_by_role("button", name="Menu"), page.get_by_role("link", name="Events")
        await expect(link).to_be_hidden()
        await reach(page, menu)
        await page.keyboard.press("Enter")
        await expect(menu).to_have_attribute("aria-expanded", "true")
        await reach(page, link)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Events")
        await visitor.close()


async def test_the_focus_stays_when_a_part_is_swapped(browser: Browser, tmp_path: Path) -> None:
    async with Federation(tmp_path, combiners=0) as federation:
        await asyncio.to_thread(federation.operator.create_token, "viewer", name="guest")
        visitor = await Visitor.come(browser, federation.join("operator"))
        page = await visitor.open("/access")
        table = page.get_by_role("region", name="Table of tokens")
        button = table.get_by_role("row").filter(has_text="guest").get_by_role("button")
        await button.focus()
        former = await button.element_handle()
        await asyncio.to_thread(federation.operator.create_token, "viewer", name="another")
        await expect(table).to_contain_text("another")
        assert not await former.evaluate("(one) => one.isConnected")
        await expect(button).to_be_focused()
        await visitor.close()
