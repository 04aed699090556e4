"""Rounds of clients that have estimators: files through the helper, means by the reducer's own arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fedn.core.aggregation import zero
from fedn.core.dtypes import Array
from fedn.core.layout import Layout
from fedn.utils.sklearnhelper import SklearnHelper

Parameters = dict[str, Array]


@pytest.fixture
def helper() -> SklearnHelper:
    return SklearnHelper()


@pytest.fixture(name="averaged")
def averaged_fixture() -> Callable[..., Any]:
    return averaged


def averaged(seed: Parameters, updates: list[tuple[Parameters, int]]) -> Parameters:
    """What a round makes of the updates, which go through files."""
    helper = SklearnHelper()
    seed = helper.load_model_from_BytesIO(helper.serialize_model_to_BytesIO(seed))
    partial = zero(Layout.of(seed))
    for update, examples in updates:
        partial.fold(helper.load_model_from_BytesIO(helper.serialize_model_to_BytesIO(update)), examples)
    return partial.mean()
