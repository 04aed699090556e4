from __future__ import annotations

import pytest

from fedn.reducer.ui.words import coded, figure, instant, short, size, span


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (2**20, "1.0 MiB"),
        (5 * 2**40, "5.0 TiB"),
        (2**55, "32768.0 TiB"),
    ],
)
def test_sizes(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.0, "0 ms"),
        (0.0126, "13 ms"),
        (1.25, "1.2 s"),
        (119, "119.0 s"),
        (120, "2 min 0 s"),
        (7325, "2 h 2 min"),
    ],
)
def test_spans(seconds: float | None, text: str) -> None:
    assert span(seconds) == text


def test_instants_say_themselves_to_scripts_and_to_people() -> None:
    assert instant(0) == '<time datetime="1970-01-01T00:00:00+00:00">1970-01-01 00:00:00 UTC</time>'
    assert instant(None) == "–"


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0.98341, "0.9834"), (2.5e-7, "2.5e-07"), (123456.0, "1.235e+05"), (0.0, "0")]
)
def test_metrics(value: float | None, text: str) -> None:
    assert figure(value) == text


def test_ids_are_cut() -> None:
    assert short("0123456789") == "01234567"


def test_what_stands_between_backticks_is_code_and_the_rest_stays_text() -> None:
    assert coded("stop it with `a <b>`, <now>") == "stop it with <code>a &lt;b&gt;</code>, &lt;now&gt;"
    assert coded("a ` alone") == "a ` alone"
