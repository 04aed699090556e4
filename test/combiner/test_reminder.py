"""A combiner whose token is near its end says so, once a day."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

import pytest
from processes import Process

from fedn.combiner import reminder
from fedn.combiner.reminder import DAY, Reminder, remind
from fedn.security.tokens import Role, TokenIssuer, new_signing_key

START = 1_700_000_000


def token(*, days: float) -> str:
    issuer = TokenIssuer(new_signing_key(), "n")
    return issuer.issue(Role.COMBINER, token_id="t", now=START, lifetime=days * DAY)


def said(reminder: Reminder, *days: float) -> list[bool]:
    return [bool(reminder.due(START + day * DAY)) for day in days]


def test_it_begins_with_the_last_tenth() -> None:
    assert said(Reminder(token(days=365), name="east"), 0, 328, 329) == [False, False, True]


def test_it_begins_with_the_last_week() -> None:
    assert said(Reminder(token(days=30), name="east"), 0, 22.9, 23.1) == [False, False, True]


def test_it_comes_once_a_day_and_goes_on_after_the_end() -> None:
    reminder = Reminder(token(days=30), name="east")
    assert said(reminder, 25, 25.04, 25.9, 26, 26.5, 27.1, 31) == [True, False, False, True, False, True, True]


def test_it_says_when_and_what_to_do() -> None:
    reminder = Reminder(token(days=1), name="east")
    text = reminder.due(START)
    assert "ends on 2023-11-15 at 22:13:20 UTC" in text
    assert "`fedn token create --role combiner --name east`" in text
    assert "ended on 2023-11-15" in reminder.due(START + DAY)


async def test_it_is_a_warning_in_the_log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reminder, "LOOK_SECONDS", 0.0)
    task = asyncio.create_task(remind(token(days=30), name="east"))
    for _ in range(20):  # looks, of which one leads to a line
        await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    [line] = [one for one in caplog.records if one.name == "fedn.combiner.reminder"]
    assert line.levelno == logging.WARNING
    assert "token of this combiner ended" in line.getMessage()


async def test_a_combiner_that_runs_says_it(tmp_path: Path) -> None:
    words = ("--host", "127.0.0.1", "--port", "0", "--combiner-token-days", "1")
    async with contextlib.AsyncExitStack() as stack:
        for role, given, line in (
            ("reducer", words, "listens on"),
            ("combiner", ("--bind", "127.0.0.1", "--host", "localhost", "--port", "0"), "of this combiner ends on"),
        ):
            process = await Process.start(role, *given, data_dir=tmp_path)
            stack.push_async_callback(process.ended)
            stack.callback(process.terminate)
            await process.says(line)
