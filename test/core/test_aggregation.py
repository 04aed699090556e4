"""Partials of both kinds: dtypes, refusals, and their files."""

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedn.core import weights as files
from fedn.core.aggregation import ExactPartial, Partial, SumPartial, from_bytes, from_file, zero
from fedn.core.layout import Layout, Weights
from fedn.core.partial import HEAVIEST
from fedn.errors import Corrupt, InvalidInput, InvalidUpdate, NotReady

KINDS: list[type[Partial]] = [SumPartial, ExactPartial]
LAYOUT = Layout.of({"w": np.zeros((2, 2), np.float32), "none": np.zeros((0, 2), np.float32)})


def model(value: float, dtype: Any = np.float32, size: int = 7) -> Weights:
    return {"w": np.full(size, value, dtype)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 1000, 1 << 18, 700_001])
def test_blocks_of_any_number_make_no_difference(kind: type[Partial], size: int) -> None:
    generator = np.random.default_rng(size)
    arrays = [generator.standard_normal(size).astype(np.float32) for _ in range(3)]
    cut = size // 3
    updates = [{"a": array[:cut], "b": array[cut:].reshape(1, -1)} for array in arrays]
    partial = kind(Layout.of(updates[0]))
    partial.add([partial.check(update, 3 + index) for index, update in enumerate(updates)])
    expected = np.average(np.array(arrays, float), axis=0, weights=[3, 4, 5])
    mean = partial.mean()
    np.testing.assert_array_equal(np.concatenate([mean["a"], mean["b"][0]]), expected.astype(np.float32))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("dtype", "values", "mean"),
    [
        (np.float16, [1, 2, 65504], 21835.66),
        (np.float32, [1, 2, 4], 7 / 3),
        (np.float64, [1, 2, 4], 7 / 3),
        (np.float64, [1e270, 1e-300, -1e270], 1e-300 / 3),
        (np.float32, [3.4028235e38, 3.4028235e38], 3.4028235e38),
        (np.float32, [1e-45, 3e-45], 3e-45),
        (np.int8, [-128, 127, 127], 42),
        (np.uint8, [255, 254], 254),
        (np.int32, [1, 2], 2),
        (np.int32, [2, 3], 2),
        (np.int64, [2**62, 2**62], 2**62),
        (np.int64, [2**63 - 1, 2**63 - 1], 2**63 - 1024),
        (np.int64, [-(2**63), -(2**63)], -(2**63)),
        (np.uint64, [2**64 - 1, 2**64 - 1], 2**64 - 2048),
        (np.bool_, [True, False], False),
        (np.bool_, [True, True, False], True),
        (np.float32, [0.0, 0.0], 0.0),
    ],
)
def test_every_dtype_has_its_mean(kind: type[Partial], dtype: Any, values: list[Any], mean: Any) -> None:
    if kind is SumPartial and values == [1e270, 1e-300, -1e270]:
        mean = 0.0  # a cancellation that float64 can't see
    updates = [{"w": np.full((2, 1), value, dtype)} for value in values]
    partial = kind(Layout.of(updates[0]))
    for update in updates:
        partial.fold(update, 1)
    result = partial.mean()["w"]
    assert (result.dtype, result.shape) == (dtype, (2, 1))
    assert (result == dtype(mean)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_any_order_in_memory_is_folded_by_index(kind: type[Partial]) -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    partial = kind(Layout.of({"w": array}))
    partial.fold({"w": np.asfortranarray(array)}, 1)
    partial.fold({"w": np.repeat(array, 2, axis=1)[:, ::2]}, 1)
    np.testing.assert_array_equal(partial.mean()["w"], array)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weight", [0, -1, math.nan, math.inf, 2 * HEAVIEST])
def test_a_weight_that_is_none_is_refused(kind: type[Partial], weight: float) -> None:
    with pytest.raises(InvalidUpdate, match="the weight is"):
        kind(Layout.of(model(1))).fold(model(1), weight)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_need_not_be_whole(kind: type[Partial]) -> None:
    partial = kind(Layout.of(model(1)))
    partial.fold(model(1), 0.1)
    partial.fold(model(2), 0.3)
    assert partial.weight == float(Fraction(0.1) + Fraction(0.3))
    assert partial.mean()["w"][0] == np.float32(1.75)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "bad",
    [
        {"w": np.ones(8, np.float32)},
        {"w": np.ones(7, np.int32)},
        {"w": np.full(7, 1e39)},
        {"v": np.ones(7, np.float32)},
        {"w": np.full(7, np.nan, np.float32)},
    ],
)
def test_a_refused_update_changes_nothing(kind: type[Partial], bad: Weights) -> None:
    partial = kind(Layout.of(model(1)))
    partial.fold(model(1.5), 3)
    before = partial.to_bytes()
    with pytest.raises(InvalidUpdate):
        partial.fold(bad, 1)
    assert partial.to_bytes() == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_value_that_is_not_finite_is_found_in_the_last_block(kind: type[Partial], value: float) -> None:
    partial = kind(Layout.of(model(1, size=300_000)))
    partial.fold(model(1, size=300_000), 1)
    bad = model(2, size=300_000)
    bad["w"][-1] = value
    with pytest.raises(InvalidUpdate, match="array 'w' has values that are not finite"):
        partial.fold(bad, 1)
    assert (partial.mean()["w"] == 1).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_checked_update_is_added_later(kind: type[Partial]) -> None:
    partial = kind(Layout.of(model(1)))
    checked = [partial.check(model(value), 1) for value in (1, 2)]
    assert partial.count == 0
    partial.add(checked)
    assert (partial.count, partial.mean()["w"][0]) == (2, 1.5)


@pytest.mark.parametrize("kind", KINDS)
def test_without_updates_there_is_no_mean(kind: type[Partial]) -> None:
    with pytest.raises(NotReady):
        kind(Layout.of(model(1))).mean()


def test_partials_that_do_not_belong_together_are_not_merged() -> None:
    layout = Layout.of(model(1))
    one = SumPartial(layout)
    for other in (one, ExactPartial(layout), SumPartial(Layout.of(model(1, size=8)))):
        with pytest.raises(InvalidInput):
            one.merge(other)


def test_a_partial_is_begun_by_mode() -> None:
    assert isinstance(zero(LAYOUT), SumPartial)
    assert isinstance(zero(LAYOUT, reproducible=True), ExactPartial)


@pytest.mark.parametrize("kind", KINDS)
def test_a_partial_in_a_file_goes_on(kind: type[Partial], tmp_path: Path) -> None:
    path = tmp_path / "partial.npz"
    partial = kind(Layout.of(model(1)))
    partial.fold(model(1), 1)
    partial.to_file(path)
    before = path.read_bytes()
    read = from_file(path)
    assert (type(read), read.layout, read.count, read.weight) == (kind, partial.layout, 1, 1)
    read.fold(model(4), 2)
    read.merge(from_file(path))
    assert read.mean()["w"][0] == np.float32(2.5)
    assert path.read_bytes() == before
    assert before == partial.to_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_partial_of_nothing_is_written_and_read(kind: type[Partial]) -> None:
    read = from_bytes(kind(LAYOUT).to_bytes())
    assert (type(read), read.count, read.layout) == (kind, 0, LAYOUT)


def header_of(partial: Partial) -> tuple[dict[str, Any], dict[str, Any]]:
    arrays = files.read(partial.to_bytes())
    return json.loads(arrays.pop("partial").tobytes()), arrays


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "change",
    [
        {"kind": "median"},
        {"kind": []},
        {"count": -1},
        {"count": 0},
        {"count": "many"},
        {"weight": "-3"},
        {"weight": "1/0"},
        {"weight": None},
        {"layout": [["w", [8], "float32"]]},
        {"layout": [["w", [-1], "float32"]]},
        {"layout": [["w", [7], "object"]]},
        {"layout": [["w", [7], "nonsense"]]},
        {"layout": [["w"]]},
        {"layout": 7},
    ],
)
def test_a_damaged_header_is_found(kind: type[Partial], change: dict[str, Any]) -> None:
    partial = kind(Layout.of(model(1)))
    partial.fold(model(1), 1)
    header, arrays = header_of(partial)
    content = np.frombuffer(json.dumps({**header, **change}).encode(), np.uint8)
    with pytest.raises(Corrupt, match="no partial, or a damaged one"):
        from_bytes(files.to_bytes({"partial": content, **arrays}))


@pytest.mark.parametrize(
    "sums", [np.ones(7, np.float32), np.ones(8), np.ones((7, 1)), np.full(7, np.nan), np.full(7, np.inf)]
)
def test_damaged_sums_are_found(sums: Any) -> None:
    partial = SumPartial(Layout.of(model(1)))
    partial.fold(model(1), 1)
    arrays = {**files.read(partial.to_bytes()), "sums": sums}
    with pytest.raises(Corrupt):
        from_bytes(files.to_bytes(arrays))


def test_what_is_no_partial_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for data in (b"", b"1 2 3\n", files.to_bytes(model(1)), SumPartial(LAYOUT).to_bytes()[:-1]):
        path.write_bytes(data)
        with pytest.raises(Corrupt):
            from_bytes(data)
        with pytest.raises(Corrupt):
            from_file(path)
