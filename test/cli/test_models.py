"""`fedn model` beyond seeding, and `fedn event`, against a real reducer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from federation import Federation

pytestmark = pytest.mark.usefixtures("network")


@pytest.fixture
def at(fedn, network: Federation):
    """Runs a command on the network."""
    return lambda *words: fedn(*words, "--data-dir", network.data_dir)


def seed(at, folder: Path, **arrays: object) -> str:
    np.savez(folder / "seed.npz", **arrays)
    return at("model", "seed", folder / "seed.npz", "--json").json["id"]


def test_models_are_tagged_and_go_by_their_tags(at, tmp_path: Path) -> None:
    first, second = (seed(at, tmp_path, w=np.full(2, value)) for value in (3.0, 4.0))
    assert at("model", "tag", "production", first).out == f"production is model {first}\n"
    assert at("model", "tag", "best", "production", "--json").json["model_id"] == first
    listed = {line.split()[0]: line for line in at("model", "list").out.splitlines()}
    assert "best production" in listed[first]
    assert "production" not in listed[second]
    assert at("model", "show", "production", "--json").json["id"] == first
    target = tmp_path / "down.npz"
    assert at("model", "download", "production", "-o", target).status == 0
    assert np.load(target)["w"].tolist() == [3, 3]
    assert at("model", "untag", "production").status == 0
    assert at("model", "show", "production").status == 6
    assert at("model", "tag", "no good", first).status == 3


def test_two_models_are_compared(at, tmp_path: Path) -> None:
    a, b = seed(at, tmp_path, w=np.array([[3.0, 4.0]]), v=np.zeros(1)), seed(at, tmp_path, w=np.ones((1, 2)), v=[2.0])
    found = at("model", "compare", a, b)
    heading, first, second, total, *models = found.out.splitlines()
    assert heading.split() == [
        *("array", "shape", "type", "norm", "of", "A", "norm", "of", "B", "difference", "relative")
    ]
    assert first.split() == ["w", "1×2", "float64", "5", "1.41421", "3.60555", "72.1110%"]
    assert second.split() == ["v", "1", "float64", "0", "2", "2"]
    assert total.split()[0] == "all"
    assert models == [f"A: model {a}", f"B: model {b}"]
    assert at("model", "compare", a, b, "--json").json["total"]["norm_a"] == 5.0
    other = at("model", "compare", a, seed(at, tmp_path, x=np.ones(1)))
    assert (other.status, "'w' is in the first only" in other.err) == (7, True)


def test_events_are_listed_and_filtered(at, tmp_path: Path) -> None:
    model = seed(at, tmp_path, w=np.ones(2))
    at("model", "tag", "listed", model)
    assert "tag listed set" in at("event", "list", "--level", "audit", "--kind", "model_tagged").out
    [event] = at("event", "list", "--text", "TAG LISTED", "--source", "reducer", "--limit", 1, "--json").json
    assert event["data"]["model_id"] == model
    assert at("event", "list", "--since", "2100-01-01").out == "there are no such events\n"
    assert at("event", "list", "--until", "2001-02-03 04:05:06", "--json").json == []
    assert at("event", "list", "--session", "none", "--json").json == []
    assert at("event", "list", "--since", "soon").status == 2


def test_events_are_followed(at, network: Federation, tmp_path: Path) -> None:
    model = seed(at, tmp_path, w=np.ones(2))
    at("model", "tag", "followed-1", model)
    words = ("event", "list", "--follow", "--json", "--kind", "model_tagged", "--limit", "1")
    command = [sys.executable, "-m", "fedn", *words, "--data-dir", str(network.data_dir)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["data"]["tag"] == "followed-1"
            at("model", "untag", "followed-1")
            at("model", "tag", "followed-2", model)
            assert json.loads(process.stdout.readline())["data"]["tag"] == "followed-2"
        finally:
            process.terminate()
