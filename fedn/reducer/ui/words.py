"""Values as people read them: the filters of the templates."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Literal

from flask import Flask
from markupsafe import Markup, escape

_POWERS = ("KiB", "MiB", "GiB", "TiB")


def register(app: Flask) -> None:
    """Make them known to the templates of `app`."""
    for filter_ in (instant, size, span, short, figure, coded):
        app.add_template_filter(filter_)


def instant(seconds: float | None, shown: Literal["", "ago", "left"] = "") -> str | Markup:
    """Seconds since the epoch as a time in UTC, which a script of the page turns into the reader's zone.

    Args:
        shown: Rather how long `ago` it was, or how much is `left` until then.
    """
    if seconds is None:
        return "–"
    at = datetime.fromtimestamp(seconds, timezone.utc)
    plain, counted = '<time datetime="{0}">{1} UTC</time>', '<time datetime="{0}" data-{2}>{1} UTC</time>'
    markup = Markup(counted) if shown else Markup(plain)  # noqa: S704  (both are written here)
    return markup.format(at.isoformat(), at.strftime("%Y-%m-%d %H:%M:%S"), shown)


def size(count: float) -> str:
    """A number of bytes."""
    power = min(len(_POWERS), (max(int(count), 1).bit_length() - 1) // 10)
    return f"{count / 1024**power:.1f} {_POWERS[power - 1]}" if power else f"{count:.0f} B"


def span(seconds: float | None) -> str:
    """A time that something took."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def short(identity: str) -> str:
    """The beginning of an id, enough to tell it from others."""
    return identity[:8]


def figure(value: float | None) -> str:
    """A metric."""
    return "–" if value is None else f"{value:.4g}" if abs(value) < 1e-3 or abs(value) >= 1e5 else f"{value:.4f}"


def coded(text: str) -> Markup:
    """A text in which what stands between backticks is code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    marked = (Markup("<code>{}</code>").format(part) if index % 2 else part for index, part in enumerate(parts))
    return Markup("").join(marked)
