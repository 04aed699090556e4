from __future__ import annotations

import json
import math

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from fedn.reducer.encoding import Provider, dumps

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def without_the_infinite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [without_the_infinite(one) for one in value]
    if isinstance(value, dict):
        return {key: without_the_infinite(one) for key, one in value.items()}
    return value


@given(JSON)
def test_whatever_is_written_is_strict_json_on_one_line_and_says_the_same(value: object) -> None:
    text = dumps(value)
    assert "\n" not in text
    text.encode()  # also where there are characters without a UTF-8 form
    assert json.loads(text, parse_constant=pytest.fail) == without_the_infinite(value)


def test_what_is_nested_too_deeply_is_refused_as_bad_json() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        Provider(Flask("fedn")).loads("[" * 1_000_000)
