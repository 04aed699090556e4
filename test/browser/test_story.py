"""What people do at the pages, by clicking only: from an empty reducer to a trained model, and on from there."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import numpy as np
from browser import project
from browser.visitor import Visitor, stay, stayed
from loopback import Federation
from playwright.async_api import Browser, Page, expect
from processes import Process
from waiting import within

from fedn.api import Reducer
from fedn.core import weights as w

HERE = ("--host", "localhost", "--bind", "127.0.0.1", "--port", "0")
ZEROS = {"weights": np.zeros(3, np.float32), "bias": np.zeros(1, np.float32)}


@asynccontextmanager
async def running(role: str, *words: str, data_dir: Path) -> AsyncIterator[Process]:
    process = await Process.start(role, *words, data_dir=data_dir)
    try:
        yield process
    finally:
        await process.stop()


async def downloaded(page: Page, role: str, name: str) -> bytes:
    """Click what has this role and name, and take the file that comes."""
    async with page.expect_download() as download:
        await page.get_by_role(role, name=name).click()  # type: ignore[arg-type]
    return (await (await download.value).path()).read_bytes()


async def issued(page: Page) -> str:
    """The join string of the token that was just made."""
    box = page.get_by_role("region", name="The new token")
    await expect(box).to_contain_text("Shown this once")
    return await box.get_by_label("join string", exact=True).inner_text()


async def test_from_an_empty_reducer_to_a_trained_model(browser: Browser, tmp_path: Path) -> None:
    async with AsyncExitStack() as parts:
        folder = tmp_path / "reducer"
        reducer = await parts.enter_async_context(
            running("reducer", "--host", "127.0.0.1", "--port", "0", data_dir=folder)
        )
        await reducer.says(r"listens on")
        visitor = await Visitor.come(browser, (folder / "join" / "operator").read_text().strip())
        page = visitor.page
        await page.wait_for_url("**/setup")

        await page.get_by_label("Archive").set_input_files(await asyncio.to_thread(project.package, tmp_path))
        async with page.expect_event("load"):
            await page.get_by_role("button", name="Upload").click()
        await expect(page.get_by_role("heading", name=re.compile("Compute package.*done"))).to_be_visible()
        await page.get_by_label("Model file").set_input_files(project.seed(tmp_path))
        async with page.expect_event("load"):
            await page.get_by_role("button", name="Seed", exact=True).click()
        await expect(page.get_by_role("heading", name=re.compile("Seed model.*done"))).to_be_visible()

        await stay(page)
        await page.get_by_role("button", name="Make a command for a combiner").click()
        words = ("--join", await issued(page), *HERE)
        await parts.enter_async_context(running("combiner", *words, data_dir=tmp_path / "combiner"))
        await expect(page.get_by_text("Connected combiner: combiner")).to_be_visible()

        for_client = page.get_by_role("form", name="Token for a client")
        await for_client.get_by_label("Name").fill("ada")
        await for_client.get_by_role("button").click()
        words = ("--join", await issued(page), "--name", "ada")
        await parts.enter_async_context(running("client", *words, data_dir=tmp_path / "ada"))
        connected = page.get_by_role("region", name="Connected clients")
        await expect(connected.get_by_role("rowheader", name="ada")).to_be_visible()

        await for_client.get_by_label("Name").fill("grace")
        await for_client.get_by_role("button").click()
        await expect(page.get_by_label("command", exact=True)).to_contain_text("--name grace")
        settings = tmp_path / "client.yaml"
        settings.write_bytes(await downloaded(page, "button", "Download client.yaml"))
        words = ("--init", str(settings), "--name", "grace")
        await parts.enter_async_context(running("client", *words, data_dir=tmp_path / "grace"))
        await expect(connected.get_by_role("rowheader", name="grace")).to_be_visible()
        await expect(page.get_by_role("heading", name=re.compile("Clients.*done"))).to_be_visible()
        assert await stayed(page)

        await page.get_by_label("Rounds", exact=True).fill("3")
        await page.get_by_role("button", name="Start", exact=True).click()
        await page.wait_for_url("**/sessions/*")
        await stay(page)
        standing = page.get_by_role("region", name="How it stands")
        await expect(standing).to_contain_text("3 of 3")
        await expect(standing).to_contain_text("finished")
        rounds = page.get_by_role("region", name="Table of rounds").get_by_role("row")
        await expect(rounds).to_have_count(1 + 2 * 3)  # training and validation of each
        await expect(page.get_by_role("img", name="Plot of")).to_have_count(2)
        assert await stayed(page)

        await standing.get_by_role("link").click()
        await page.get_by_role("button", name="Promote to production").click()
        await expect(page.get_by_role("heading", name=re.compile("Round 3 .*production"))).to_be_visible()
        model = await downloaded(page, "link", "Download")
        with await asyncio.to_thread(Reducer.connect, data_dir=folder) as operator:
            promoted = await asyncio.to_thread(operator.model, "production")
        assert hashlib.sha256(model).hexdigest() == promoted.sha256
        assert w.read(model)["weights"].tolist() == [3, 3, 3]
        await visitor.close()


async def test_a_session_goes_on_from_an_earlier_model(browser: Browser, tmp_path: Path) -> None:
    async with Federation(tmp_path) as federation:
        await federation.add_client("ada")
        await federation.seed(ZEROS)
        await federation.session(rounds=2)
        _, first, second = await federation.trail()
        visitor = await Visitor.come(browser, federation.join("operator"))
        page = await visitor.open("/models")
        await page.get_by_role("rowheader", name="Round 1").get_by_role("link").click()
        await page.get_by_role("link", name="Start a session from here").click()
        await expect(page.get_by_label("Start from")).to_have_value(first.id)
        await page.get_by_label("Rounds", exact=True).fill("1")
        await page.get_by_role("button", name="Start", exact=True).click()
        await expect(page.get_by_role("region", name="How it stands")).to_contain_text("finished")
        *_, newest = await federation.trail()
        assert (newest.parent, (await federation.model())["bias"].tolist()) == (first.id, [2])

        page = await visitor.open("/sessions")
        for box in await page.get_by_role("checkbox", name="Compare session").all():
            await box.check()
        await page.get_by_role("button", name="Compare the ticked").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Sessions compared")
        for session_id in (second.session_id, newest.session_id):
            await expect(page.get_by_role("main")).to_contain_text(session_id.split("-")[0])

        page = await visitor.open(f"/models/{newest.id}")
        await page.get_by_role("link", name="Compare with the one before").click()
        apart = page.get_by_role("region", name="Arrays").get_by_role("row")
        await expect(apart).to_have_count(1 + len(ZEROS))
        await expect(apart.filter(has_text="bias").get_by_role("cell").nth(5)).to_have_text("1.0000")
        await visitor.close()


async def test_plots_are_drawn_and_taken_along(browser: Browser, tmp_path: Path) -> None:
    async with Federation(tmp_path, monitor_seconds=0.5) as federation:
        for name in ("ada", "grace"):
            await federation.add_client(name)
        await federation.seed(ZEROS)
        await federation.session(rounds=2)
        visitor = await Visitor.come(browser, federation.join("operator"))
        page = await visitor.open("/dashboard")
        for plot in await page.get_by_role("figure").all():
            await expect(plot.locator("svg.main-svg").first).to_be_visible()
        picture = await downloaded(page, "button", "What each client measured as PNG")
        assert picture.startswith(b"\x89PNG\r\n\x1a\n")
        table = await downloaded(page, "link", "What each client measured as CSV")
        _, *rows = csv.reader(table.decode().splitlines())
        assert [name for _, name, _ in rows] == ["ada", "grace"] * 2
        await visitor.close()


async def test_a_token_is_revoked_and_the_operator_logs_out(browser: Browser, tmp_path: Path) -> None:
    async with Federation(tmp_path, combiners=0) as federation:
        await asyncio.to_thread(federation.operator.create_token, "viewer", name="guest")
        visitor = await Visitor.come(browser, federation.join("operator"))
        page = await visitor.open("/access")
        asked = []
        page.on("dialog", lambda dialog: (asked.append(dialog.message), asyncio.ensure_future(dialog.accept())))
        row = page.get_by_role("region", name="Table of tokens").get_by_role("row").filter(has_text="guest")
        await stay(page)
        await row.get_by_role("button", name="Revoke token").click()
        await expect(row).to_contain_text("revoked")
        assert await stayed(page)
        assert "of guest" in asked[0]
        [guest] = [one for one in await asyncio.to_thread(federation.operator.tokens) if one.subject == "guest"]
        assert guest.revoked_at is not None

        await page.get_by_role("button", name="Log out").click()
        await page.wait_for_url("**/login")
        await page.goto(f"{visitor.base}/access")
        await expect(page.get_by_label("Token")).to_be_visible()
        assert "/login" in page.url
        await visitor.close()


async def test_a_page_is_in_touch_again_after_the_reducer_was_killed(browser: Browser, tmp_path: Path) -> None:
    async with Federation(tmp_path, combiners=0, process=True) as federation:
        await federation.seed(ZEROS)
        visitor = await Visitor.come(browser, federation.join("operator"))
        page = await visitor.open("/models")
        await stay(page)
        assert federation.process is not None
        await federation.process.kill()
        line = page.get_by_role("status").filter(has_text="out of touch")
        await expect(line).to_be_visible()
        await within(federation.start_reducer())
        await expect(page.get_by_role("status").filter(has_text="live")).to_be_visible()
        await federation.seed(ZEROS)
        await expect(page.get_by_role("rowheader", name="Seed")).to_have_count(2)
        assert await stayed(page)
        assert visitor.forget("net::ERR") > 0
        await visitor.close()
