"""What happens in the network shows on open pages by itself, and a viewer sees it without a way to change anything."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from browser.visitor import PAGES, Visitor, stay, stayed
from loopback import Federation
from playwright.async_api import Browser, Page, expect
from waiting import DEADLINE

ZEROS = {"weights": np.zeros(3, np.float32)}


class Gate:
    """Training that waits until it is let through."""

    def __init__(self) -> None:
        self._open = threading.Event()

    def train(self, model: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        assert self._open.wait(DEADLINE)
        return model

    def open(self) -> None:
        self._open.set()


async def test_what_another_operator_does_is_listed(browser: Browser, tmp_path: Path) -> None:
    async with Federation(tmp_path, combiners=0) as federation:
        visitors = [await Visitor.come(browser, federation.join("operator")) for _ in range(3)]
        pages = [await one.open(path) for one, path in zip(visitors, ("/events", "/audit", "/access"), strict=True)]
        for page in pages:
            await stay(page)
        await asyncio.to_thread(federation.operator.create_token, "client", name="newcomer")
        events, audit, access = pages
        await expect(events.get_by_role("row").filter(has_text="token for a client created")).to_be_visible()
        await expect(audit.get_by_role("row").filter(has_text="of newcomer")).to_contain_text("token_created")
        await expect(access.get_by_role("row").filter(has_text="newcomer")).to_contain_text("good")
        for page in pages:
            assert await stayed(page)
        for visitor in visitors:
            await visitor.close()


async def test_a_client_that_joins_and_leaves_is_seen_on_the_network(browser: Browser, tmp_path: Path) -> None:
    async with Federation(tmp_path) as federation:
        visitor = await Visitor.come(browser, federation.join("operator"))
        page = await visitor.open("/network")
        await stay(page)
        row = page.get_by_role("region", name="Clients").get_by_role("row").filter(has_text="latecomer")
        part = page.get_by_role("button", name="Client latecomer")
        await expect(page.get_by_text("No client is connected.")).to_be_visible()
        await federation.add_client("latecomer")
        await expect(row).to_contain_text("connected")
        await expect(part).to_be_visible()
        await federation.remove_client("latecomer")
        await expect(row).to_have_count(0)
        await expect(part).to_have_count(0)
        assert await stayed(page)
        await visitor.close()


async def test_a_round_is_followed_to_its_model(browser: Browser, tmp_path: Path) -> None:
    gate = Gate()
    async with Federation(tmp_path) as federation:
        await federation.add_client("ada", train=gate.train)
        await federation.seed(ZEROS)
        session = await federation.start_session(rounds=1, round_timeout=DEADLINE)
        visitors = [await Visitor.come(browser, federation.join("operator")) for _ in range(4)]
        places = ("/", f"/sessions/{session.id}", "/models", "/network")
        home, followed, trail, network = [await one.open(path) for one, path in zip(visitors, places, strict=True)]
        standing = followed.get_by_role("region", name="How it stands")
        client = network.get_by_role("region", name="Clients").get_by_role("row").filter(has_text="ada")
        for page in (home, followed, trail, network):
            await stay(page)
        for ground in (home.get_by_role("region", name="Running now"), standing):
            await expect(ground).to_contain_text("Waits for ada (training)")
        await expect(trail.get_by_role("rowheader")).to_have_count(1)
        await expect(client).to_contain_text("training")
        gate.open()
        await expect(client).not_to_contain_text("training")
        await expect(network.get_by_role("button", name="Client ada, connected")).to_be_visible()
        await expect(home.get_by_role("region", name="Nothing runs")).to_contain_text("1 of 1 rounds done")
        await expect(standing).to_contain_text("finished")
        await expect(trail.get_by_role("rowheader", name="Round 1")).to_be_visible()
        for visitor in visitors:
            assert await stayed(visitor.page)
            await visitor.close()


async def changing(page: Page) -> int:
    """How many ways there are to change something, but for logging out."""
    forms = page.locator("form[data-api]:not([data-api='/api/v1/logout'])")
    return await forms.count() + await page.locator("[data-manage], [data-manages]").count()


async def test_a_viewer_looks_at_everything_and_changes_nothing(browser: Browser, tmp_path: Path) -> None:
    gate = Gate()
    async with Federation(tmp_path) as federation:
        await federation.add_client("ada")
        await federation.seed(ZEROS)
        done = await federation.session(rounds=1)
        *_, model = await federation.trail()
        [first, *_] = await asyncio.to_thread(federation.operator.rounds)
        await federation.add_client("grace", train=gate.train)
        running = await federation.start_session(rounds=1, round_timeout=DEADLINE)
        viewer = await asyncio.to_thread(federation.operator.create_token, "viewer", name="guest")
        guest = await Visitor.come(browser, viewer["join"])
        operator = await Visitor.come(browser, federation.join("operator"))
        own = (
            f"/sessions/{running.id}",
            f"/sessions/{done.id}/rounds/{first.id}",
            f"/models/{model.id}",
        )
        ways = {path: await changing(await operator.open(path)) for path in (*PAGES, *own)}
        seen = {path: await changing(await guest.open(path)) for path in (*PAGES, *own) if path != "/access"}
        assert {path: count for path, count in seen.items() if count} == {}
        for path in ("/", "/sessions", "/models", "/network", "/access", own[0], own[2]):
            assert ways[path] > 0, path
        await expect(guest.page.get_by_role("link", name="Access")).to_have_count(0)
        await guest.page.goto(f"{guest.base}/access")
        await expect(guest.page.get_by_role("main")).to_contain_text(re.compile("operator"))
        assert guest.forget("403") == 1

        await guest.open("/events")
        tokens = await asyncio.to_thread(federation.operator.tokens)
        [token] = [one for one in tokens if one.subject == "guest"]
        await asyncio.to_thread(federation.operator.revoke_token, token.id)
        await guest.page.wait_for_url("**/login*")
        gate.open()
        await federation.end_of(running)
        await operator.close()
        guest.forget("401")
        await guest.close()
