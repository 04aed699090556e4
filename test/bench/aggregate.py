"""How fast updates are folded in, beside what the machine can do at all.

    python test/bench/aggregate.py [--json]

For updates of 1 to 256 MB of float32, in one run and one thread: gigabytes of update a second, and the ratio to
copying them (`numpy.copyto`). Each figure is the median of interleaved repetitions, after one that isn't counted. A
fold begins with a check of the whole update, that its layout fits and all of it is finite, before anything is added:
"check" and "add" are these two parts, "fold" is both. "of 8" folds eight updates in one pass.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")

import numpy as np

from fedn.core.aggregation import ExactPartial, SumPartial
from fedn.core.weights import Layout, Weights

SIZES = (1, 4, 16, 64, 256)
BATCH = 8
SECONDS = 2.0
"""Time for the repetitions of one size, at least three of them."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, metavar="MB", help="update sizes")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    results = {megabytes: measure(megabytes) for megabytes in options.sizes}
    if options.json:
        print(json.dumps({f"{megabytes} MB": result for megabytes, result in results.items()}))
        return
    names = list(next(iter(results.values())))
    print("GB of update a second (ratio to copy)")
    print(f"{'MB':>5}", *(f"{name:>17}" for name in names))
    for megabytes, result in results.items():
        cells = (f"{speed:7.2f}  ({speed / result['copy']:.2f})" for speed in result.values())
        print(f"{megabytes:>5}", *(f"{cell:>17}" for cell in cells))


def measure(megabytes: int) -> dict[str, float]:
    """GB of update per second of each way, for updates of one size."""
    size = megabytes * 1_000_000 // 4
    generator = np.random.default_rng(1)
    values = [generator.standard_normal(size, np.float32) for _ in range(BATCH)]
    updates: list[tuple[Weights, float]] = [({"w": x}, 600.0 + i) for i, x in enumerate(values)]
    layout = Layout.of(updates[0][0])
    sums, exact = SumPartial(layout), ExactPartial(layout)
    checked = sums.check(*updates[0])
    target, single, double = np.zeros(size, np.float32), np.zeros(size, np.float32), np.zeros(size)
    x = values[0]

    def naive_single() -> None:
        np.add(single, np.float32(600) * x, out=single)

    def naive_double() -> None:
        np.add(double, np.float64(600) * x, out=double)

    ways: dict[str, Callable[[], object]] = {
        "copy": lambda: np.copyto(target, x),
        "naive float32": naive_single,
        "naive float64": naive_double,
        "sum: check": lambda: sums.check(*updates[0]),
        "add": lambda: sums.add([checked]),
        "fold": lambda: sums.fold(*updates[0]),
        "fold of 8": lambda: sums.add([sums.check(*update) for update in updates]),
        "exact: fold": lambda: exact.fold(*updates[0]),
        "exact: fold of 8": lambda: exact.add([exact.check(*update) for update in updates]),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(times["copy"]) < 3:
        for name, way in ways.items():
            begin = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - begin)
    gigabytes = 4e-9 * size
    return {
        name: gigabytes * (BATCH if name.endswith("of 8") else 1) / statistics.median(took)
        for name, took in times.items()
    }


if __name__ == "__main__":
    main()
