"""Trees of arrays, their names, and what is none."""

import io
from collections import OrderedDict, namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from fedn.errors import InvalidModel
from fedn.utils import names
from fedn.utils.numpyhelper import NumpyHelper

HELPER = NumpyHelper()

keys = st.text(max_size=4) | st.text("/%[].()~0123456789é\0\n", max_size=4) | st.sampled_from(["[0]", "(0)", "0", ".."])
leaves = (
    arrays(st.sampled_from([np.float32, np.float64, np.int16, np.bool_]), array_shapes(max_dims=2, max_side=3))
    | st.floats(width=32)
    | st.integers(-(2**63), 2**64 - 1)
    | st.booleans()
)
trees = st.recursive(
    leaves,
    lambda below: (
        st.dictionaries(keys, below, min_size=1, max_size=4)
        | st.lists(below, min_size=1, max_size=12)
        | st.lists(below, min_size=1, max_size=3).map(tuple)
    ),
    max_leaves=20,
)


def same(found: Any, expected: Any) -> None:
    if isinstance(expected, dict):
        assert type(found) is dict
        assert list(found) == list(expected)
        for key in expected:
            same(found[key], expected[key])
    elif isinstance(expected, (list, tuple)):
        assert type(found) is type(expected)
        for one, other in zip(found, expected, strict=True):
            same(one, other)
    else:
        np.testing.assert_array_equal(found, np.asarray(expected)[()], strict=True)


@given(tree=trees)
def test_a_tree_comes_back(tree: Any) -> None:
    data = HELPER.serialize_model_to_BytesIO(tree)
    same(HELPER.load_model_from_BytesIO(data), tree)


@given(tree=trees)
def test_plain_numpy_reads_and_writes_it(tree: Any) -> None:
    with np.load(HELPER.serialize_model_to_BytesIO(tree)) as loaded:
        arrays_by_name = dict(loaded)
    assert arrays_by_name.keys() == HELPER.to_arrays(tree).keys()
    file = io.BytesIO()
    np.savez_compressed(file, **{f"{name}": array for name, array in arrays_by_name.items() if name != "file"})
    if "file" not in arrays_by_name:  # numpy has that name for something else
        same(HELPER.load_model_from_BytesIO(file), tree)


@given(path=st.lists(keys | st.builds(names.Position, st.sampled_from([list, tuple]), st.integers(0, 20))))
def test_a_name_is_that_of_one_path(path: list[names.Step]) -> None:
    assert names.split(names.join(path)) == tuple(path)


@given(name=st.text("ab0[]()%/.2F", max_size=8))
def test_a_path_has_one_name(name: str) -> None:
    try:
        path = names.split(name)
    except InvalidModel:
        return
    assert names.join(path) == name


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"layers": [{"weight": 1}, {"weight": 2}]}, ["layers/[0]/weight", "layers/[1]/weight"]),
        ({"scale": (1, 2)}, ["scale/(0)", "scale/(1)"]),
        ({"fc.weight": 1, "fc.bias": 2}, ["fc.weight", "fc.bias"]),
        ({"a/b": {"": 1, "0": 2}}, ["a%2Fb/%", "a%2Fb/0"]),
        ({"[0]": 1, "(0)": 2, ".": 3, "50%": 4, "x[0]": 5}, ["%5B0]", "%280)", "%2E", "50%25", "x[0]"]),
        ({"a\0b\n": 1}, ["a%00b%0A"]),  # an archive's names end at NUL
        (np.ones(3), ["."]),
        ([[1], [2]], ["[0]/[0]", "[1]/[0]"]),
    ],
    ids=str,
)
def test_names_are_readable(tree: Any, expected: list[str]) -> None:
    assert list(HELPER.to_arrays(tree)) == expected


def test_more_than_ten_stay_in_order_whatever_that_of_the_file() -> None:
    tree = {"a": [np.float64(index) for index in range(12)]}
    by_name = sorted(HELPER.to_arrays(tree).items())
    assert by_name[1][0] == "a/[10]"
    same(HELPER.from_arrays({name: np.asarray(array) for name, array in by_name}), tree)


def test_numbers_count_and_print_as_those_of_python() -> None:
    tree = HELPER.load_model_from_BytesIO(HELPER.serialize_model_to_BytesIO({"rate": 0.5, "steps": 3}))
    assert f"{tree['rate']:.2f}" == "0.50"
    assert list(range(tree["steps"])) == [0, 1, 2]


def test_mappings_and_named_tuples_become_plain() -> None:
    pair = namedtuple("pair", ["mean", "scale"])
    tree = OrderedDict(b=pair(np.ones(1), np.zeros(2)), a=np.ones(1))
    same(
        HELPER.load_model_from_BytesIO(HELPER.serialize_model_to_BytesIO(tree)),
        {"b": (np.ones(1), np.zeros(2)), "a": np.ones(1)},
    )


@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        ({}, r"empty dict at '\.', which no array can stand for \(leave it out\)"),
        ({"a": [{"b": []}]}, r"empty list at 'a/\[0\]/b'"),
        ({"a": ()}, "empty tuple at 'a'"),
        ({3: np.ones(1)}, r"the key 3 is no string \(make it one"),
        ({None: np.ones(1)}, "the key None is no string"),
        ({("a", 0): np.ones(1)}, r"the key \('a', 0\) is no string"),
        ({"\ud800": np.ones(1)}, r"the key '\\ud800' has characters that can't be encoded"),
        ({"a": {"b": None}}, "array 'a/b' holds values of type object"),
        ({"a": "text"}, "array 'a' holds values of type <U4"),
        ({"a": {1, 2}}, "array 'a' holds values of type object"),
        ([2**64], r"array '\[0\]' holds values of type object"),
    ],
    ids=repr,
)
def test_what_no_name_can_stand_for_is_refused(tree: Any, reason: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match=reason):
        HELPER.save_model(tree, tmp_path / "model")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given_names", "reason"),
    [
        (["a", "a/b"], "'a' is both an array and the beginning of other names"),
        ([".", "a"], r"'\.' is both"),
        (["a/[0]", "a/[2]"], r"at 'a' is neither a whole list or tuple nor a dict: \[0\], \[2\]"),
        (["[0]", "(1)"], r"at '\.' is neither"),
        (["[0]", "x"], r"at '\.' is neither"),
        (["100%"], r"the name '100%' is none of a tree's \(get_helper\('pytorch'\)"),
        (["a//b"], "'a//b' is none"),
        ([""], "'' is none"),
        (["a/.b"], r"'a/\.b' is none"),
        (["%61"], "'%61' is none"),
        (["[00]"], r"'\[00\]' is none"),
    ],
    ids=str,
)
def test_names_of_no_tree_are_refused(given_names: list[str], reason: str) -> None:
    file = io.BytesIO()
    np.savez(file, **{name: np.ones(2) for name in given_names})
    with pytest.raises(InvalidModel, match=reason):
        HELPER.load_model_from_BytesIO(file)
