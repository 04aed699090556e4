"""Whatever others put into names and texts stays text, and breaks no page."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import numpy as np
from browser import project
from browser.visitor import NARROW, PAGES, Visitor
from loopback import Federation
from playwright.async_api import Browser
from waiting import within

from fedn.proto import fedn_pb2 as pb

SCRIPT = "<script>window.hacked=1"  # names have no slash
IMAGE = '"><img src=x onerror=window.hacked=1>'
LONG = "x" * 100
RIGHT_TO_LEFT = "שלום עולם"
EMOJI = "🦊🧪"
FAILING = f"it's {RIGHT_TO_LEFT} <b>"
TEXT = f"<script>window.hacked=1</script>{IMAGE} {RIGHT_TO_LEFT} \u202egnp.exe \x1b[31mred {EMOJI} {'y' * 200}"
"""Where anything goes: markup, a text turned around, control characters, and nothing to break a line at."""
SHOWN = ("<script>window.hacked=1</script>", IMAGE, RIGHT_TO_LEFT, EMOJI, "y" * 200)
"""What must be seen of it."""


def measured(_: Mapping[str, np.ndarray]) -> Mapping[str, float]:
    return {TEXT: 0.5, LONG: 1.0, IMAGE: 2.0, "accuracy": 0.25}


def fail(_: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    raise ValueError(TEXT)


async def tell(federation: Federation, name: str, combiner: str) -> None:
    """A client that says something, and is gone."""
    async with federation.peer(name, combiner=combiner) as peer:
        await peer.connect()
        status = pb.Status(sender=peer.sender, status=TEXT, log_level=pb.Status.WARNING)
        await within(peer.connector.SendStatus(status, metadata=peer.metadata))


async def test_hostile_names_and_texts_stay_text(browser: Browser, tmp_path: Path) -> None:
    async with Federation(tmp_path / "data", combiners=0) as federation:
        operator = federation.operator
        archive = await asyncio.to_thread(project.package, tmp_path)
        await asyncio.to_thread(operator.upload_package, archive, name=f"{IMAGE}{EMOJI}{LONG}.tgz")
        await asyncio.to_thread(operator.create_token, "client", name=SCRIPT)
        combiner = f"{SCRIPT}{EMOJI}{LONG}"[:100]
        await federation.add_combiner(combiner)
        for name in (SCRIPT, IMAGE, LONG, RIGHT_TO_LEFT, EMOJI):
            await federation.add_client(name, validate=measured)
        await federation.seed({TEXT[:100].replace("/", "|"): np.zeros(3, np.float32)})
        first = await federation.session(rounds=1, parameters={TEXT: TEXT, IMAGE: [IMAGE]})
        await federation.add_client(FAILING, train=fail)
        failed = await federation.session(rounds=1, clients_required=6, attempts=1)
        await tell(federation, "talkative", combiner)
        seed, *_, last = await federation.trail()
        [one, *_] = await asyncio.to_thread(operator.rounds, failed.id)
        assert failed.state == "failed"

        visitor = await Visitor.come(browser, federation.join("operator"), viewport=NARROW)
        own = {
            f"/sessions/{first.id}": SHOWN,
            f"/sessions/{failed.id}": (FAILING,),
            f"/sessions/{failed.id}/rounds/{one.id}": (*SHOWN, FAILING),
            f"/sessions/compare?session_id={first.id}&session_id={failed.id}": (),
            f"/models/{last.id}": (*SHOWN, SCRIPT, LONG, combiner),
            f"/models/compare?a={seed.id}&b={last.id}": SHOWN[:1],
            "/events": SHOWN,
            "/network": (SCRIPT, IMAGE, LONG, RIGHT_TO_LEFT, EMOJI, combiner),
            "/access": (SCRIPT,),
            "/": SHOWN,
            f"/dashboard?metric={quote(IMAGE)}": (IMAGE,),
            "/packages": ("img-src-x-onerror-window.hacked-1",),
        }
        wrong = {}
        for path, texts in {**dict.fromkeys(PAGES, ()), **own}.items():
            page = await visitor.open(path)
            await page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
            seen = await page.get_by_role("main").inner_text()
            faults = [f"lacks {text}" for text in texts if text not in seen]
            faults += ["hacked"] if await page.evaluate("'hacked' in window") else []
            faults += await visitor.too_wide()
            if faults:
                wrong[path] = faults
        assert wrong == {}
        await visitor.close()
