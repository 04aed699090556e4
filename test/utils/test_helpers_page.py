"""The examples of docs/helpers.md run, in the order of the page. PyTorch's alone needs more than there is here."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.cluster import KMeans
from sklearn.naive_bayes import GaussianNB

from fedn.utils.helpers import get_helper, helper_names, save_metadata
from fedn.utils.sklearnhelper import SklearnHelper

PAGE = (Path(__file__).parents[2] / "docs" / "helpers.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 4)), np.repeat([0, 1, 2], 20)


class Network:
    """What a helper sees of a Keras model; real ones are tried by hand."""

    def __init__(self) -> None:
        self.weights = [np.zeros((4, 2)), np.zeros(2)]

    def get_weights(self) -> list[Any]:
        return self.weights

    def set_weights(self, weights: list[Any]) -> None:
        self.weights = weights

    def fit(self, examples: Any, targets: Any) -> None:
        self.weights = [weight + 1 for weight in self.weights]


def block(start: str) -> str:
    """The one block that has this in it."""
    [found] = [text for text in BLOCKS if start in text]
    return str(found)


@pytest.fixture
def paths(tmp_path: Path) -> tuple[str, str]:
    return str(tmp_path / "in"), str(tmp_path / "out")


def run(text: str, paths: tuple[str, str], **names: Any) -> dict[str, Any]:
    in_path, out_path = paths
    space = {"in_path": in_path, "out_path": out_path, "X": X, "y": Y, "save_metadata": save_metadata, **names}
    exec(compile(text, "helpers.md", "exec"), space)
    return space


def test_every_block_is_run_here() -> None:
    run_here = ["keras", "tree =", "sys.argv", "SGDClassifier(loss", "GaussianNB", "KMeans", "PolynomialHelper"]
    assert sorted(map(block, run_here)) == sorted(set(BLOCKS) - {block("import torch")})


def test_the_table_names_every_helper() -> None:
    table = PAGE[: PAGE.index("All have the same methods")]
    assert sorted(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == helper_names()


def test_keras(paths: tuple[str, str]) -> None:
    get_helper("keras").save_model(Network().weights, paths[0])
    run(block("keras"), paths, model=Network())
    assert [array.tolist() for array in get_helper("keras").load_model(paths[1])] == [[[1, 1]] * 4, [1, 1]]
    assert Path(f"{paths[1]}-metadata").read_text() == '{"num_examples": 60}'


def test_a_tree(paths: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    run(block("tree ="), paths)
    assert capsys.readouterr().out == "['layers/[0]/weight', 'layers/[1]/weight', 'rate']\n0.1\n"


def test_sklearn(paths: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    helper = get_helper("sklearn")
    assert isinstance(helper, SklearnHelper)
    monkeypatch.setattr(sys, "argv", ["seed.py", paths[0]])
    space = run(block("sys.argv"), paths)
    space = run(block("SGDClassifier(loss"), paths, helper=helper, SGDClassifier=space["SGDClassifier"])
    assert helper.load_model(paths[1])["t_"] == 61
    assert len(space["model"].predict(X)) == 60

    helper.save_model(helper.seed(GaussianNB(), features=4, classes=[0, 1, 2]), paths[0])
    run(block("GaussianNB"), paths, helper=helper, GaussianNB=GaussianNB)
    restored = helper.restore(GaussianNB(), helper.load_model(paths[1]))
    assert_allclose(restored.theta_, GaussianNB().fit(X, Y).theta_)

    helper.save_model(helper.seed(KMeans(init=X[:3]), features=4), paths[0])
    run(block("KMeans"), paths, helper=helper, KMeans=KMeans)
    moved = helper.restore(KMeans(3), helper.load_model(paths[1])).cluster_centers_
    assert_allclose(moved, KMeans(3, init=X[:3], n_init=1, max_iter=1).fit(X).cluster_centers_)


def test_a_helper_of_ones_own(paths: tuple[str, str]) -> None:
    space = run(block("PolynomialHelper"), paths)
    helper, polynomial = space["PolynomialHelper"](), space["Polynomial"]([1.0, 2.0])
    assert helper.load_model(helper.save_model(polynomial, paths[1])) == polynomial
