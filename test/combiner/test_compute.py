from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from fedn.combiner.compute import Fold
from fedn.core import weights as w
from fedn.errors import FednError, InvalidUpdate, TooLarge

MODEL = w.to_bytes({"a": np.zeros(3, np.float32)})


def update(value: float) -> bytes:
    return w.to_bytes({"a": np.full(3, value, np.float32)})


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


async def test_what_is_added_together_and_apart_adds_up(executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    fold = Fold(MODEL, reproducible=False, executor=executor)
    await asyncio.gather(*(fold.add(update(value), weight=1) for value in range(50)))
    path = tmp_path / "update"
    path.write_bytes(update(99.5))
    await fold.add(path, weight=50)
    partial = await fold.partial()
    assert partial is not None
    assert (partial.count, partial.weight) == (51, 100.0)
    np.testing.assert_array_equal(partial.mean()["a"], np.full(3, 62, np.float32))
    assert fold.seconds > 0


async def test_one_that_is_wrong_harms_none_of_its_batch(executor: ThreadPoolExecutor) -> None:
    fold = Fold(MODEL, reproducible=True, executor=executor)
    contents = [update(1), update(np.nan), b"nothing", update(3)]
    outcomes = await asyncio.gather(*(fold.add(one, weight=1) for one in contents), return_exceptions=True)
    assert [type(one) for one in outcomes[::3]] == [type(None)] * 2
    assert isinstance(outcomes[1], InvalidUpdate)
    assert isinstance(outcomes[2], FednError)
    partial = await fold.partial()
    assert partial is not None
    np.testing.assert_array_equal(partial.mean()["a"], np.full(3, 2, np.float32))


async def test_one_that_would_take_more_memory_than_it_can_need_is_refused(executor: ThreadPoolExecutor) -> None:
    fold = Fold(MODEL, reproducible=False, executor=executor)
    packed = io.BytesIO()
    np.savez_compressed(packed, a=np.zeros(1_000_000, np.float32))
    with pytest.raises(TooLarge, match="over the limit"):
        await fold.add(packed.getvalue(), weight=1)
    packed = io.BytesIO()
    np.savez_compressed(packed, a=np.full(3, 2, np.float64))
    await fold.add(packed.getvalue(), weight=1)
    partial = await fold.partial()
    assert partial is not None
    assert partial.mean()["a"].tolist() == [2, 2, 2]


async def test_one_that_nobody_thought_of_harms_none_of_its_batch(
    executor: ThreadPoolExecutor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fold = Fold(MODEL, reproducible=False, executor=executor)
    contents = [update(1), tmp_path / "deleted meanwhile", update(3)]
    outcomes = await asyncio.gather(*(fold.add(one, weight=1) for one in contents), return_exceptions=True)
    assert [type(one) for one in outcomes] == [type(None), InvalidUpdate, type(None)]
    partial = await fold.partial()
    assert partial is not None
    assert partial.count == 2
    assert "FileNotFoundError" in caplog.text


async def test_without_updates_there_is_no_sum(executor: ThreadPoolExecutor) -> None:
    fold = Fold(MODEL, reproducible=False, executor=executor)
    assert await fold.partial() is None
    with pytest.raises(InvalidUpdate):
        await fold.add(update(np.inf), weight=1)
    assert await fold.partial() is None


async def test_a_caller_that_gives_up_takes_nothing_back(executor: ThreadPoolExecutor) -> None:
    fold = Fold(MODEL, reproducible=False, executor=executor)
    adding = asyncio.create_task(fold.add(update(1), weight=1))
    await asyncio.sleep(0)
    adding.cancel()
    await asyncio.wait([adding])
    partial = await fold.partial()
    assert partial is not None
    assert partial.count == 1


async def test_a_sum_that_may_be_half_added_to_is_no_sum(executor: ThreadPoolExecutor) -> None:
    fold = Fold(MODEL, reproducible=False, executor=executor)
    await fold.add(update(1), weight=1)
    executor.shutdown()  # as good as any fault that is nobody's update's
    outcomes = await asyncio.gather(*(fold.add(update(1), weight=1) for _ in range(3)), return_exceptions=True)
    assert [str(one)[:17] for one in outcomes] == ["folding broke off"] * 3
    with pytest.raises(FednError, match="folding broke off"):
        await fold.add(update(1), weight=1)
    with pytest.raises(FednError, match="folding broke off"):
        await fold.partial()
