"""A person at the pages: a real browser, and what must never be seen in one."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, expect
from waiting import DEADLINE

from fedn.security.join import JoinString

NARROW = {"width": 360, "height": 740}
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}

PAGES = (
    "/", "/setup", "/sessions", "/models", "/dashboard", "/network", "/packages", "/events", "/audit", "/access",
    "/settings", "/about",
)  # fmt: skip

_AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
_SERIOUS = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
  .filter(({ impact }) => impact === "serious" || impact === "critical")
  .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(" | ")}`)"""

_TOO_WIDE = """() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  const wide = [...document.body.querySelectorAll(":not(.scroll *)")].filter(
    (one) => one.getBoundingClientRect().right > clientWidth && !one.closest(".skip"),
  );
  return ["too wide", ...wide.slice(0, 5).map((one) => one.outerHTML.slice(0, 150))];
}"""


async def stay(page: Page) -> None:
    """Leave a mark in a page that a reload would wipe out."""
    await page.evaluate("window.stayed = true")


async def stayed(page: Page) -> bool:
    """Whether the mark is there."""
    return bool(await page.evaluate("window.stayed === true"))


@dataclass
class Visitor:
    """One window.

    Whatever a page prints to the console, every fault of a script, and every request to another host lands in
    `faults`, which `close` finds empty.
    """

    base: str
    join: str
    context: BrowserContext
    page: Page
    faults: list[str] = field(default_factory=list)

    @classmethod
    async def come(
        cls, browser: Browser, join: str, *, scheme: Any = "light", viewport: Any = DESKTOP, log_in: bool = True
    ) -> Visitor:
        """Open a window at the reducer of a join string, and log in with that."""
        found = JoinString.parse(join)
        visitor = await cls.open_at(
            browser, f"https://{found.host}:{found.port}", join=join, scheme=scheme, viewport=viewport
        )
        if log_in:
            await visitor.log_in()
        return visitor

    @classmethod
    async def open_at(
        cls, browser: Browser, base: str, *, join: str = "", scheme: Any = "light", viewport: Any = DESKTOP
    ) -> Visitor:
        """Open a window for what is at this address."""
        context = await browser.new_context(ignore_https_errors=True, color_scheme=scheme, viewport=viewport)
        context.set_default_timeout(1000 * DEADLINE)
        visitor = cls(base, join, context, await context.new_page())
        visitor._listen()
        return visitor

    async def log_in(self) -> None:
        await self.page.goto(f"{self.base}/login")
        await self.page.fill("#token", self.join)
        await self.page.get_by_role("button", name="Log in").click()
        await self.page.wait_for_url(lambda url: "/login" not in url)

    async def open(self, path: str) -> Page:
        """A page of the reducer, once it and its plots are drawn and it is in touch with the reducer."""
        await self.page.goto(f"{self.base}{path}")
        await expect(self.page.locator("#line")).to_have_text("live")
        await expect(self.page.get_by_text("Being drawn.")).to_have_count(0)
        return self.page

    async def serious(self) -> list[str]:
        """Serious faults of accessibility in the page as it is, by axe-core."""
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(_AXE.read_text())
        found: list[str] = await self.page.evaluate(_SERIOUS)
        return found

    async def too_wide(self) -> list[str]:
        """What makes the page so wide that it has to be scrolled sideways."""
        found: list[str] = await self.page.evaluate(_TOO_WIDE)
        return found

    def forget(self, *expected: str) -> int:
        """Take faults with one of these words for expected; how many there were."""
        before = len(self.faults)
        self.faults = [fault for fault in self.faults if not any(words in fault for words in expected)]
        return before - len(self.faults)

    async def close(self) -> None:
        await self.context.close()
        assert self.faults == [], self.faults

    def _listen(self) -> None:
        self.page.on("console", lambda said: self._note(f"{said.type}: {said.text}", said.type in ("error", "warning")))
        self.page.on("pageerror", lambda error: self._note(f"script: {error}", True))
        self.page.on("request", lambda one: self._note(f"foreign: {one.url}", not self._own(one.url)))

    def _own(self, url: str) -> bool:
        return url.startswith((f"{self.base}/", "data:", "blob:"))

    def _note(self, fault: str, is_one: bool) -> None:
        if is_one:
            self.faults.append(f"{self.page.url}: {fault}")
