import math

import pytest

from fedn.errors import InvalidPackage
from fedn.package.manifest import EntryPoint, Manifest


def parse(text: str | bytes) -> Manifest:
    return Manifest.parse(text, source="client/fedn.yaml")


def test_a_2021_manifest() -> None:
    manifest = parse(
        "entry_points:\n  train: {command: python3 train.py}\n  validate: {command: python3 validate.py}\n"
    )
    assert manifest.entry("train") == EntryPoint("python3 train.py", warm=False, seconds=math.inf)
    assert manifest.requirements == ()


def test_all_there_is() -> None:
    manifest = parse(
        """
        entry_points:
          train: {command: "sh -c 'python3 train.py > log'", warm: true, seconds: 90}
          partition: {command: ./partition}
        python: {requirements: [numpy>=2, scipy]}
        helper: keras
        author: somebody
        """
    )
    assert manifest.entry("train").argv == ["sh", "-c", "python3 train.py > log"]
    assert manifest.entry("train").warm
    assert manifest.entry("train").seconds == 90
    assert manifest.requirements == ("numpy>=2", "scipy")
    assert manifest.helper == "keras"
    assert parse("entry_points: {train: {command: a}}\npython: {requirements: r/a.txt}").requirements_file == "r/a.txt"


def test_a_missing_entry_point_is_named() -> None:
    with pytest.raises(InvalidPackage, match=r"no entry point `predict`, only train"):
        parse("entry_points: {train: {command: a}}").entry("predict")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "client/fedn.yaml is missing, expected a mapping"),
        ("entry_points: [", "not readable as YAML"),
        ("[" * 3_000, "not readable as YAML"),
        ("when: 2021-13-45", "not readable as YAML"),
        (b"\xff\xfe\xfa", "not readable as YAML"),
        ("helper: keras", "entry_points in client/fedn.yaml is missing"),
        ("entry_points: {predict: {command: a}}", "neither a train nor a validate"),
        ("entry_points: {train: python3 train.py}", "entry_points.train in client/fedn.yaml is 'python3 train.py'"),
        ("entry_points: {train: {}}", "command is missing, expected a string"),
        ("entry_points: {train: {command: 7}}", "command is 7, expected a string"),
        ("entry_points: {train: {command: ' '}}", "command is empty"),
        ('entry_points: {train: {command: "sh -c \'a"}}', "unfinished quotation"),
        ("entry_points: {train: {command: a, wram: true}}", "unknown key 'wram'.*known are command, warm, seconds"),
        ("entry_points: {train: {command: a, warm: often}}", "warm is 'often', expected true or false"),
        ("entry_points: {train: {command: a}, seed: {command: b, warm: true}}", "only train, validate, predict can be"),
        ("entry_points: {train: {command: a, seconds: 0}}", "seconds is 0, expected a number above 0"),
        ("entry_points: {train: {command: a, seconds: .nan}}", "seconds is nan, expected a number above 0"),
        ("entry_points: {train: {command: a}}\npython: {requirements: ../x}", "'../x', expected a file within client/"),
        ("entry_points: {train: {command: a}}\npython: {requirements: [1]}", "is 1, expected a string"),
        ("entry_points: {train: {command: a}}\npython: {packages: x}", "unknown key 'packages'"),
        ("entry_points: {train: {command: a}}\nhelper: [keras]", r"helper in client/fedn.yaml is \['keras'\]"),
    ],
)
def test_what_is_wrong_is_said(text: str | bytes, message: str) -> None:
    with pytest.raises(InvalidPackage, match=message):
        parse(text)


@pytest.mark.parametrize("many", ["[{}]", "{{<<: [{}]}}"], ids=["lists", "merged"])
def test_a_few_lines_that_stand_for_very_much_are_refused(many: str) -> None:
    lines = ["a: &a {x: 1}"]
    for former, name in zip("abcdefghi", "bcdefghij", strict=True):
        lines.append(f"{name}: &{name} {many.format(', '.join([f'*{former}'] * 9))}")
    with pytest.raises(InvalidPackage, match="more than 16 aliases"):
        Manifest.parse("\n".join([*lines, "entry_points: {train: {command: *j}}"]), source="fedn.yaml")


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_one_that_is_very_deep_is_refused_at_once(opening: str) -> None:
    with pytest.raises(InvalidPackage, match="more than 100 lists"):
        Manifest.parse("a: [" + opening * 20_000 if opening != "- " else opening * 20_000, source="fedn.yaml")


def test_parts_may_be_named_and_used_again() -> None:
    text = "entry_points: {train: &it {command: python3 a.py}, validate: *it, predict: {<<: *it, seconds: 5}}"
    assert Manifest.parse(text, source="fedn.yaml").entry("predict").argv == ["python3", "a.py"]
