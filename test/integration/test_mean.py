"""However clients are split over combiners, the model is the weighted mean of their updates."""

from __future__ import annotations

import asyncio
import math
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loopback import Federation

from fedn.core import weights as w
from fedn.security.digest import sha256_bytes, sha256_file

SEED = {"kernel": np.zeros((20, 30), np.float32), "bias": np.zeros(7, np.float32), "wide": np.zeros(11)}
EXAMPLES = {f"n{number}": 1 + number**3 for number in range(8)}
SPLITS = ((8,), (5, 3), (1, 6, 1), (2, 1, 4, 1))


def update_of(name: str) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(int(name[1:]))

    def like(array: np.ndarray) -> np.ndarray:
        values = draw.standard_normal(array.shape) * 10.0 ** draw.integers(-6, 6, array.shape)
        return values.astype(array.dtype)

    return {key: like(array) for key, array in SEED.items()}


def trainer(name: str) -> Callable[..., Any]:
    def train(_: Any) -> Any:
        time.sleep(random.uniform(0, 0.05))  # so that they arrive in any order
        return update_of(name), EXAMPLES[name]

    return train


def flat_mean() -> dict[str, np.ndarray]:
    """The mean of all updates in one go, in float64, each sum rounded once."""
    updates = {name: update_of(name) for name in EXAMPLES}
    total = sum(EXAMPLES.values())

    def of(key: str) -> np.ndarray:
        flat = [updates[name][key].astype(np.float64).ravel() * EXAMPLES[name] for name in EXAMPLES]
        means = [math.fsum(values) / total for values in zip(*flat, strict=True)]
        return np.array(means).reshape(SEED[key].shape)

    return {key: of(key) for key in SEED}


def assert_within_an_ulp(found: np.ndarray, expected: np.ndarray) -> None:
    rounded = expected.astype(found.dtype)
    assert (np.abs(found - rounded) <= np.spacing(np.abs(rounded))).all()


async def test_every_split_gives_the_flat_weighted_mean(tmp_path: Path) -> None:
    expected = flat_mean()
    async with Federation(tmp_path, combiners=4) as network:
        seed = await network.seed(SEED)
        exact = set()
        for split in SPLITS:
            homes = [f"c{number}" for number, count in enumerate(split) for _ in range(count)]
            for name, home in zip(EXAMPLES, homes, strict=True):
                await network.add_client(name, train=trainer(name), combiner=home)
            assert network.live() == dict(zip(EXAMPLES, homes, strict=True))
            for reproducible in (False, True, True):
                session = await network.session(
                    start_model=seed.id, clients_required=8, validate=False, reproducible=reproducible
                )
                assert session.state == "finished", session.error
                content = await network.file(session.model_id)
                for key, array in w.read(content).items():
                    if array.dtype == np.float32:
                        assert_within_an_ulp(array, expected[key])
                    else:
                        np.testing.assert_allclose(array, expected[key], rtol=1e-14)
                    if reproducible:
                        np.testing.assert_array_equal(array, expected[key].astype(array.dtype))
                if reproducible:
                    exact.add(content)
            for name in EXAMPLES:
                await network.remove_client(name)
            await network.until(lambda: not network.live())
        assert len(exact) == 1


async def test_a_chain_of_rounds_gives_the_same_bytes_whatever_the_split(tmp_path: Path) -> None:
    def step(name: str) -> Callable[..., Any]:
        def train(model: Any) -> Any:
            time.sleep(random.uniform(0, 0.03))
            change = update_of(name)
            return {key: array * np.float32(0.9) + change[key] for key, array in model.items()}, EXAMPLES[name]

        return train

    async with Federation(tmp_path, combiners=3) as network:
        seed = await network.seed(SEED)
        results = []
        for homes in (["c0"] * 8, ["c0", "c1", "c2", "c2", "c2", "c1", "c0", "c2"]):
            for name, home in zip(EXAMPLES, homes, strict=True):
                await network.add_client(name, train=step(name), combiner=home)
            session = await network.session(rounds=4, start_model=seed.id, clients_required=8, reproducible=True)
            assert (session.state, session.rounds_done) == ("finished", 4), session.error
            results.append(await network.file(session.model_id))
            for name in EXAMPLES:
                await network.remove_client(name)
            await network.until(lambda: not network.live())
        assert results[0] == results[1]


async def test_the_trail_tells_what_each_model_was_made_from(tmp_path: Path) -> None:
    async with Federation(tmp_path, combiners=2) as network:
        seed = await network.seed({"a": np.zeros(4, np.float32)})
        await network.add_client("one", train=lambda model: ({"a": model["a"] + 1}, 3, {"loss": 0.5}), combiner="c0")
        await network.add_client("two", train=lambda model: ({"a": model["a"] + 5}, 1), combiner="c1")
        session = await network.session(rounds=2, clients_required=2)
        listed = await network.trail()  # which leaves the updates out
        trail = [await asyncio.to_thread(network.operator.model, model.id) for model in listed]
        assert [model.parent for model in trail] == ["", seed.id, trail[1].id]
        assert [(model.number, model.session_id) for model in trail[1:]] == [(1, session.id), (2, session.id)]
        assert [
            [(one["client"], one["combiner"], one["examples"]) for one in model.updates] for model in trail[1:]
        ] == [[("one", "c0", 3), ("two", "c1", 1)]] * 2
        assert trail[1].updates[0]["metrics"] == {"loss": 0.5}
        assert [model.metrics["mean"] for model in trail[1:]] == [2.0, 4.0]
        np.testing.assert_array_equal((await network.model())["a"], np.full(4, 4, np.float32))
        assert session.model_id == trail[2].id


async def test_large_models_travel_as_files_and_only_models_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Federation(tmp_path, combiners=2, combiner={"inline_bytes": 1000}) as network:
        await network.seed({"a": np.zeros(2**21, np.float32)})  # 8 MiB
        for number in range(4):
            await network.add_client(f"n{number}", combiner=f"c{number % 2}")
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))  # all lies on the data folder's disk
        session = await network.session(rounds=2, clients_required=4)
        assert session.state == "finished", session.error
        trail = await network.trail()
        content = await network.file()
        assert sha256_bytes(content) == trail[-1].sha256
        np.testing.assert_array_equal(w.read(content)["a"], np.full(2**21, 2, np.float32))
        for combiner in network.combiners:
            spool = tmp_path / "combiner" / combiner / "spool"
            assert {sha256_file(path) for path in spool.iterdir()} <= {model.sha256 for model in trail}
        assert list(network.services.scratch.iterdir()) == []
