"""Models that are trees of arrays: dicts, lists and tuples in each other, with arrays and numbers as leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from fedn.core.dtypes import Array
from fedn.errors import InvalidModel
from fedn.utils import names
from fedn.utils.base import ArraysHelper
from fedn.utils.names import Position, Step

Tree: TypeAlias = Any
"""A leaf, or a dict with strings as keys, a list or a tuple of trees."""


class NumpyHelper(ArraysHelper[Tree]):
    """Any tree of arrays, flattened to names such as `layers/[0]/weight`; `fedn.utils.names` says how.

    The tree is rebuilt from the names alone. Mappings of any kind come back as dicts, named tuples as tuples, and
    numbers and arrays without dimensions as numpy's numbers (`np.float64`, …), which count and print as Python's do.
    """

    def to_arrays(self, model: Tree) -> dict[str, Any]:
        return {names.join(path): leaf for path, leaf in _leaves(model, ())}

    def from_arrays(self, arrays: dict[str, Array]) -> Tree:
        paths = [(names.split(name), array[()] if array.ndim == 0 else array) for name, array in arrays.items()]
        return _tree(paths, depth=0)


def _leaves(tree: Tree, path: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], Any]]:
    if isinstance(tree, Mapping):
        branches: list[tuple[Step, Tree]] = list(tree.items())
    elif isinstance(tree, (list, tuple)):
        kind = list if isinstance(tree, list) else tuple
        branches = [(Position(kind, index), branch) for index, branch in enumerate(tree)]
    else:
        yield path, tree
        return
    if not branches:
        raise InvalidModel(
            f"there is an empty {type(tree).__name__} at {names.join(path)!r}, which no array can stand for",
            hint="leave it out",
        )
    for step, branch in branches:
        yield from _leaves(branch, (*path, step))


def _tree(leaves: list[tuple[tuple[Step, ...], Any]], depth: int) -> Tree:
    """The tree of leaves whose paths are the same up to `depth`."""
    if len(leaves) == 1 and len(leaves[0][0]) == depth:
        return leaves[0][1]
    below: dict[Step, list[tuple[tuple[Step, ...], Any]]] = {}
    for path, leaf in leaves:
        if len(path) == depth:
            raise InvalidModel(f"{names.join(path)!r} is both an array and the beginning of other names")
        below.setdefault(path[depth], []).append((path, leaf))
    branches = {step: _tree(some, depth + 1) for step, some in below.items()}
    if all(isinstance(step, str) for step in branches):
        return branches
    for kind in (list, tuple):
        steps = [Position(kind, index) for index in range(len(branches))]
        if branches.keys() == set(steps):
            return kind(branches[step] for step in steps)
    where, steps_found = names.join(leaves[0][0][:depth]), ", ".join(names.join([step]) for step in branches)
    raise InvalidModel(f"what is at {where!r} is neither a whole list or tuple nor a dict: {steps_found}")
