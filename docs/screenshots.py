"""Takes the screenshots of the web interface in docs/images/ anew.

    python docs/screenshots.py

A sandbox with the digits of test/digits trains on this machine meanwhile; it needs Chromium.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, expect, sync_playwright

from fedn.api import Reducer

DOCS = Path(__file__).parent
IMAGES = DOCS / "images"
SEEN = 12  # rounds that the pictures show
SIZE = {"width": 1280, "height": 860}

expect.set_options(timeout=60_000)


@contextmanager
def training(data_dir: Path) -> Iterator[None]:
    """A federation that has some rounds behind it, and trains on for as long as the block lasts."""
    package = ("--package", str(DOCS.parent / "test" / "digits"), "--seed", "1", "-P", "epochs=400")
    words = (*package, "--rounds", "500", "--port", "0", "--data-dir", str(data_dir), "--json")
    command = [sys.executable, "-m", "fedn", "sandbox", *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = ""
    try:
        for line in process.stderr or ():
            said += line
            if line.startswith(f"round {SEEN} of"):
                break
        else:
            raise SystemExit(said)
        yield
    finally:
        process.terminate()
        process.communicate()


def take(page: Page, base: str, name: str, path: str) -> None:
    page.goto(f"{base}{path}")
    expect(page.locator("#line")).to_have_text("live")
    expect(page.get_by_text("Being drawn.")).to_have_count(0)
    if name == "home":
        expect(page.get_by_role("region", name="Running now")).to_contain_text("(training)")
    if name == "network":
        expect(page.get_by_role("button", name="Client").first).to_be_visible()
    IMAGES.mkdir(exist_ok=True)
    page.screenshot(path=IMAGES / f"{name}.png", animations="disabled")


def main() -> None:
    with TemporaryDirectory() as folder, training(Path(folder)), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        looks = {"viewport": SIZE, "color_scheme": "light", "reduced_motion": "reduce"}  # no part on its way
        context = browser.new_context(ignore_https_errors=True, **looks)  # type: ignore[arg-type]
        page = context.new_page()
        with Reducer.connect(data_dir=folder) as reducer:
            base = reducer.url
            page.goto(f"{base}/login")
            page.get_by_label("Token").fill((Path(folder) / "join" / "operator").read_text().strip())
            page.get_by_role("button", name="Log in").click()
            page.wait_for_url(lambda url: "/login" not in url)
            [session] = reducer.sessions()
            model = next(one for one in reducer.models() if one.number == SEEN - 2)
            reducer.tag_model("production", model.id)
            for name, path in {
                "home": "/",
                "setup": "/setup",
                "session": f"/sessions/{session.id}",
                "dashboard": "/dashboard",
                "network": "/network",
                "model": f"/models/{model.id}",
            }.items():
                take(page, base, name, path)
        browser.close()


if __name__ == "__main__":
    main()
