import numpy as np
import pytest

from fedn.core import strategies
from fedn.core.aggregation import zero
from fedn.core.layout import Layout
from fedn.errors import InvalidInput, NotReady


def test_fedavg_is_the_weighted_mean() -> None:
    previous = {"w": np.full(3, 9, np.float32)}
    partial = zero(Layout.of(previous))
    strategy = strategies.create("fedavg")
    with pytest.raises(NotReady):
        strategy.finish(partial, previous)
    partial.fold({"w": np.full(3, 1, np.float32)}, 30)
    partial.fold({"w": np.full(3, 2, np.float32)}, 10)
    np.testing.assert_array_equal(strategy.finish(partial, previous)["w"], np.full(3, 1.25, np.float32), strict=True)


def test_an_unknown_strategy_lists_the_known() -> None:
    with pytest.raises(InvalidInput, match=r"no strategy 'fedsgd' \(known: fedavg\)"):
        strategies.create("fedsgd")
