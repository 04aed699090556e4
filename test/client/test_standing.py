"""Where a client stands, as its parts tell it."""

from __future__ import annotations

import asyncio
import json
import logging
import math

import pytest

from fedn.client.lines import MOST, Lines
from fedn.client.standing import LONGEST, MOST_METRICS, Standing
from fedn.core.model import Fate, TaskKind
from fedn.errors import Unavailable


@pytest.fixture
def standing() -> Standing:
    standing = Standing("client")
    standing.assigned("c0")
    standing.connected()
    return standing


def state(standing: Standing) -> str:
    return standing.values()["state"]


def test_of_tasks_that_overlap_the_one_in_work_is_shown(standing: Standing) -> None:
    with standing.task("a", TaskKind.TRAIN, session_id="s", round=1):
        assert state(standing) == "downloading"
        standing.working("a")
        with standing.task("b", TaskKind.VALIDATE, session_id="s", round=2):
            assert (state(standing), standing.values()["round"]) == ("training", 1)
            standing.uploading("a")
            assert (state(standing), standing.values()["task"]["id"]) == ("uploading", "a")
            standing.working("b")
            assert (state(standing), standing.values()["task"]["kind"]) == ("validating", "validate")
        assert state(standing) == "uploading"
    assert (state(standing), standing.values()["task"], standing.values()["session_id"]) == ("waiting", None, "s")


def test_a_client_that_works_on_while_its_combiner_is_lost_says_both(standing: Standing) -> None:
    with standing.task("a", TaskKind.TRAIN, session_id="s", round=1):
        standing.working("a")
        standing.lost("no answer")
        since = standing.values()["trouble"]["since"]
        standing.lost("still none token=abc")
        assert state(standing) == "training"
        assert standing.values()["trouble"] == {"reason": "still none token=***", "since": since}
    assert state(standing) == "out_of_reach"
    standing.parted()
    assert (state(standing), standing.values()["combiner"]) == ("connecting", "")
    standing.assigned("c1")
    standing.connected()
    assert (state(standing), standing.values()["trouble"]) == ("waiting", None)


def test_a_task_that_breaks_off_is_over(standing: Standing) -> None:
    with (
        pytest.raises(asyncio.CancelledError),
        standing.task("a", TaskKind.TRAIN, session_id="s", round=1),
        standing.preparing(),
    ):
        assert state(standing) == "preparing"
        raise asyncio.CancelledError
    assert (state(standing), standing.values()["tasks"]["done"]) == ("waiting", 0)


def test_answers_are_counted_by_their_fate(standing: Standing) -> None:
    with standing.task("a", TaskKind.TRAIN, session_id="s", round=1):
        for fate in Fate:
            standing.answered("a", fate, {})
        standing.failed("a", "x" * 10_000)
    tasks = standing.values()["tasks"]
    assert (tasks["done"], tasks["rejected"], tasks["failed"]) == (1, 2, 1)
    assert len(tasks["last_failure"]["reason"]) == LONGEST + 1


def test_metrics_are_few_and_finite_and_keep_what_another_kind_of_task_measured(standing: Standing) -> None:
    with standing.task("a", TaskKind.TRAIN, session_id="s", round=1):
        standing.answered("a", Fate.ACCEPTED, {"loss": 1.5, "bad": math.nan, "text": "x", "huge": 10**400})
    with standing.task("b", TaskKind.VALIDATE, session_id="s", round=1):
        standing.answered("b", Fate.ACCEPTED, {f"{'n' * 300}{number}": number for number in range(1000)})
        standing.answered("b", Fate.ACCEPTED, {f"m{number}": number for number in range(1000)})
    train, validate = standing.values()["metrics"]
    assert train["values"] == {"loss": 1.5}
    assert (len(validate["values"]), validate["of"]) == (MOST_METRICS, 1000)
    json.dumps(standing.values(), allow_nan=False)


async def test_a_call_in_another_thread_is_noted_when_it_fails(standing: Standing) -> None:
    def attempt() -> None:
        raise Unavailable("nobody is there", hint="start it")

    with standing.listening() as news:
        with pytest.raises(Unavailable):
            await asyncio.to_thread(standing.noting(attempt))
        await news.wait()
    assert standing.values()["trouble"]["reason"] == "nobody is there (start it)"
    assert await asyncio.to_thread(standing.noting(lambda: 7)) == 7


@pytest.fixture
def logger() -> logging.Logger:
    """One that no other test hears of."""
    return logging.Logger("apart")


def test_the_newest_lines_are_kept_without_secrets(logger: logging.Logger) -> None:
    told: list[None] = []
    lines = Lines(lambda: told.append(None))
    logger.addHandler(lines)
    for number in range(MOST + 5):
        logger.info("line %d", number)
    logger.warning("password=hidden \x1b[2J %s", "x" * 10_000)
    kept = lines.values()
    assert (len(kept), kept[0]["text"], len(told)) == (MOST, "line 6", MOST + 6)
    assert kept[-1]["level"] == "WARNING"
    assert kept[-1]["text"].startswith("password=*** \\x1b[2J xxx")
    assert len(kept[-1]["text"]) == LONGEST + 1


def test_a_line_that_cannot_be_written_stops_nobody(logger: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(lambda: None)
    logger.addHandler(lines)
    logger.info("%d", "no number")
    logger.info("next")
    assert [line["text"] for line in lines.values()] == ["next"]
    assert "Logging error" in capsys.readouterr().err
