from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from fedn.core.numbers import finite_numbers, is_number

numbers = st.integers() | st.integers(2**1020, 2**1030) | st.floats()
values = numbers | st.booleans() | st.none() | st.text() | st.lists(st.integers())


@given(st.dictionaries(st.text(), values))
def test_metrics_are_the_finite_numbers_unchanged(content: dict[str, object]) -> None:
    found = finite_numbers(content)
    assert found.keys() <= content.keys()
    for key, value in content.items():
        if key in found:
            assert is_number(value)
            assert found[key] == float(value)  # type: ignore[arg-type]
            assert math.isfinite(found[key])
        elif is_number(value):
            assert not abs(value) < 2**1023  # type: ignore[arg-type]


def test_what_json_may_hold_where_a_number_is_expected() -> None:
    text = '{"loss": 1, "acc": 0.5, "nan": NaN, "inf": -Infinity, "flag": true, "null": null, "text": "1", "huge": 1%s}'
    assert finite_numbers(json.loads(text % ("0" * 400))) == {"loss": 1.0, "acc": 0.5}
