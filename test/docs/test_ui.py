"""The page about the web interface is complete, and has its pictures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UI = (ROOT / "docs" / "ui.md").read_text(encoding="utf-8")
PAGE = (ROOT / "fedn/reducer/ui/templates/page.html").read_text(encoding="utf-8")
NAVIGATION = re.findall(r'link\("/[\w-]*", "([\w-]+)"\)', PAGE)
IMAGES = re.findall(r"!\[[^\]]+\]\((images/[\w-]+\.png)\)", UI)


def test_every_page_is_told_of() -> None:
    assert len(NAVIGATION) >= 12
    assert [name for name in NAVIGATION if not re.search(rf"^\| {name} \|", UI, re.MULTILINE)] == []


@pytest.mark.parametrize("image", IMAGES)
def test_each_picture_is_there_and_small(image: str) -> None:
    content = (ROOT / "docs" / image).read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert int.from_bytes(content[16:20], "big") == 1280
    assert len(content) < 200_000


def test_every_picture_is_shown() -> None:
    assert sorted(IMAGES) == sorted(f"images/{path.name}" for path in (ROOT / "docs" / "images").glob("*"))
