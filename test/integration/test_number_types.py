"""Every type of number in every format: one round of a real federation, beside the mean computed by hand.

The files are written and read by numpy and by the safetensors library, and bfloat16 is that of ml_dtypes.
"""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy as library
from loopback import Federation
from safetensors import deserialize, safe_open

from fedn.core import weights as w
from fedn.core.bfloat16 import DTYPE
from fedn.proto import fedn_pb2 as pb

Arrays = Mapping[str, Any]
BF16 = np.dtype(ml_dtypes.bfloat16)
EXAMPLES = {"three": 3, "five": 5}

BRAIN: Arrays = {
    "brain": np.array([[1.0, -2.5, 3e38], [1e-3, 0.0, 77.0]], BF16),
    "scale": np.array(0.1, BF16),
    "void": np.zeros((0, 2), BF16),
}
MIXED: Arrays = {
    "half": np.linspace(-2, 2, 12, dtype=np.float16).reshape(3, 4),
    "single": np.linspace(-1, 1, 7, dtype=np.float32),
    "double": np.array([0.5, -4096.25]),
    "counter": np.array(41),
    "counters": np.array([0, 1, 2**40, -7], np.int64),
    "bytes": np.array([0, 100, 250], np.uint8),
    "mask": np.array([True, False, True]),
    "switch": np.array(False),
    "rate": np.array(0.25, np.float32),
    "void": np.zeros((0, 3), np.float32),
}
METADATA = {"format": "pt", "made by": "a test"}


def saved(save: Callable[..., None], arrays: Arrays) -> bytes:
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue()


def as_text(array: Any) -> bytes:
    file = io.BytesIO()
    np.savetxt(file, array)
    return file.getvalue()


SEEDS: dict[str, tuple[bytes, Arrays]] = {
    "bfloat16 in npz": (saved(np.savez, BRAIN), BRAIN),
    "bfloat16 in safetensors": (library.save(dict(BRAIN), METADATA), BRAIN),
    "compressed npz": (saved(np.savez_compressed, MIXED), MIXED),
    "safetensors": (library.save(dict(MIXED), METADATA), MIXED),
    "text": (as_text(np.array([[1.5, 2.0], [-3.0, 0.0]])), {"0": np.array([[1.5, 2.0], [-3.0, 0.0]])}),
    "one number as text": (as_text(np.array([2.5])), {"0": np.array(2.5)}),
    "no number at all": (saved(np.savez, {"void": np.zeros((2, 0))}), {"void": np.zeros((2, 0))}),
}


def changed(array: Any, examples: int) -> Any:
    """What the client with so many examples makes of an array, in its type."""
    if array.dtype == bool:
        return ~array if examples == EXAMPLES["five"] else array
    step = 0.5 * (examples - 3) if array.dtype.kind != "i" else 2 * (examples - 3)
    return np.asarray(array + np.asarray(step).astype(array.dtype), array.dtype)


def trainer(examples: int) -> Callable[..., Any]:
    def train(model: Any) -> Any:
        if isinstance(model, list):
            return [changed(array, examples) for array in model], examples
        return {name: changed(array, examples) for name, array in model.items()}, examples

    return train


def by_hand(array: Any) -> Any:
    """The mean of what the clients make of an array: exact, and rounded once to its type."""
    wide = array.astype(np.float32) if array.dtype == BF16 else array
    updates = {n: changed(wide, n).astype(array.dtype) for n in EXAMPLES.values()}
    total = sum(EXAMPLES.values())

    def of(index: Any) -> Any:
        mean = sum(Fraction(updates[n][index].item()) * n for n in updates) / total
        return round(mean) if array.dtype.kind in "biu" else float(mean)

    means = [of(index) for index in np.ndindex(array.shape)]
    return np.array(means, np.float64 if array.dtype == BF16 else array.dtype).astype(array.dtype).reshape(array.shape)


def loaded(content: bytes, kind: str) -> Arrays:
    """A model's arrays as others read them."""
    if "text" in kind:
        return {"0": np.loadtxt(io.BytesIO(content))}
    if "safetensors" in kind:
        plain = {name: (entry["dtype"], entry["shape"], entry["data"]) for name, entry in deserialize(content)}
        types = {"BF16": BF16, "BOOL": "?", "F16": "f2", "F32": "f4", "F64": "f8", "I64": "i8", "U8": "u1"}
        return {name: np.frombuffer(data, types[code]).reshape(shape) for name, (code, shape, data) in plain.items()}
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return {name: array.view(BF16) if array.dtype == DTYPE else array for name, array in file.items()}


def assert_same(found: Arrays, expected: Arrays, kind: str) -> None:
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape), f"{kind}: {name}"
        assert found[name].tobytes() == array.tobytes(), f"{kind}: {name} is {found[name]}, not {array}"


def test_the_examples_of_the_page_write_such_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text()
    mixed, brain = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    exec(mixed, {})
    steps = {"kernel": np.zeros((2, 3), np.float32), "steps": np.array(0)}
    assert_same(w.read(tmp_path / "seed.npz"), steps, "npz")
    assert_same(w.read(tmp_path / "seed.safetensors"), steps, "safetensors")
    assert w.style_of(tmp_path / "seed.safetensors").metadata == {"format": "pt"}
    assert_same(w.read(tmp_path / "seed.txt"), {"0": np.zeros((2, 3))}, "text")
    exec(brain, {})
    assert_same(w.read(tmp_path / "seed.npz"), {"kernel": np.ones(3, BF16).view(DTYPE)}, "bfloat16")
    assert_same(w.read(tmp_path / "update.npz"), {"kernel": np.full(3, 2, np.float32)}, "its update")


async def seed(network: Federation, content: bytes) -> str:
    path = network.folder / "seed"
    path.write_bytes(content)
    return (await asyncio.to_thread(network.operator.seed_model, path)).id


@pytest.mark.parametrize("reproducible", [False, True])
async def test_a_round_makes_the_mean_in_the_type_and_format_of_the_seed(tmp_path: Path, reproducible: bool) -> None:
    async with Federation(tmp_path, combiners=2) as network:
        for number, (name, examples) in enumerate(EXAMPLES.items()):
            await network.add_client(name, train=trainer(examples), combiner=f"c{number}")
        for kind, (content, arrays) in SEEDS.items():
            await seed(network, content)
            session = await network.session(clients_required=2, validate=False, reproducible=reproducible)
            assert session.state == "finished", f"{kind}: {session.error}"
            result = await network.file(session.model_id)
            assert_same(loaded(result, kind), {name: by_hand(array) for name, array in arrays.items()}, kind)
            if "safetensors" in kind:
                (tmp_path / "result").write_bytes(result)
                with safe_open(tmp_path / "result", "numpy") as file:
                    assert file.metadata() == METADATA


async def test_updates_come_in_any_format_and_precision(tmp_path: Path) -> None:
    """And the model keeps its own."""
    model = {"0": np.array([1.0, -2.0, 0.5], np.float32)}

    def written(array: Any, form: w.Format) -> bytes:
        file = io.BytesIO()
        w.write({"0": array}, file, format=form)
        return file.getvalue()

    ones = np.ones(3)
    updates = {
        "npz": written(ones.astype(np.float32), w.Format.NPZ),
        "safetensors": written(2 * ones.astype(np.float32), w.Format.SAFETENSORS),
        "text": written(3 * ones, w.Format.TEXT),
        "compressed": saved(np.savez_compressed, {"0": 4 * ones.astype(np.float16)}),
        "brain": library.save({"0": (5 * ones).astype(BF16)}),
        "big-endian": saved(np.savez, {"0": np.full(3, 6, ">f8")}),
        "too large": written(1e300 * ones, w.Format.NPZ),
        "whole numbers": written(np.ones(3, np.int32), w.Format.NPZ),
    }
    async with Federation(tmp_path) as network, AsyncExitStack() as stack:
        await seed(network, library.save(model, METADATA))
        peers = {name: await stack.enter_async_context(network.peer(name)) for name in updates}
        for peer in peers.values():
            await peer.connect()
        await network.until(lambda: len(network.live()) == len(peers))
        session = await network.start_session(clients_required=6, validate=False)
        fates = {}
        for name, peer in peers.items():
            response = await peer.send((await peer.task()).id, updates[name])
            fates[name] = response.response if response.fate == pb.REFUSED else "accepted"
        assert (await network.end_of(session)).state == "finished"
        assert fates == {
            **dict.fromkeys(updates, "accepted"),
            "too large": "array '0' has values up to 1e+300, the model's float32 takes 3.40282e+38 at most",
            "whole numbers": "array '0' holds int32, the model's holds float32",
        }
        assert_same(loaded(await network.file(), "safetensors"), {"0": np.full(3, 3.5, np.float32)}, "mixed")
