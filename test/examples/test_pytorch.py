"""The example projects in PyTorch, trained in a federation; and how CIFAR-10 is read."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from sandboxes import Depot, Ran, run_sandbox

PROJECTS = Path(__file__).parents[1]
PARTITION = PROJECTS / "cifar10-vgg16" / "client" / "partition.py"
RECORDS = 30  # in each file of an archive made here
FILES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")

# The first test that needs PyTorch makes its environment.


def trained(project: str, *words: str, rounds: int, tmp_path: Path, depot: Depot) -> Ran:
    words = ("--clients", "2", "--combiners", "1", "--rounds", str(rounds), *words)
    ran = run_sandbox(PROJECTS / project, *words, data_dir=tmp_path / "sandbox", depot=depot)
    assert (ran.result["rounds"], ran.result["clients"]) == (rounds, 2)
    assert ran.metrics[-1]["accuracy"] > ran.metrics[0]["accuracy"]
    assert ran.metrics[-1]["loss"] < ran.metrics[0]["loss"]
    return ran


def partition(script: Path, *words: object) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, str(script), *map(str, words))
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_real_digits_are_learned(tmp_path: Path, depot: Depot) -> None:
    dealt = partition(PROJECTS / "mnist-pytorch" / "client" / "partition.py", tmp_path / "data", 2, depot.mnist())
    assert dealt.returncode == 0, dealt.stderr
    ran = trained("mnist-pytorch", "--data", str(tmp_path / "data"), rounds=2, tmp_path=tmp_path, depot=depot)
    assert ran.result["accuracy"] >= 0.93


def test_moods_of_reviews_are_learned(tmp_path: Path, depot: Depot) -> None:
    ran = trained("imdb-pytorch", rounds=4, tmp_path=tmp_path, depot=depot)
    assert ran.result["accuracy"] >= 0.75


def test_a_vgg16_is_trained_and_travels_whole(tmp_path: Path, depot: Depot) -> None:
    ran = trained("cifar10-vgg16", rounds=2, tmp_path=tmp_path, depot=depot)
    assert ran.result["accuracy"] >= 0.6
    with np.load(tmp_path / "sandbox" / "sandbox" / f"model-{ran.result['model_id']}.npz") as model:
        assert sum(model[name].size for name in model if name.endswith(("weight", "bias"))) == 14_724_042
        counters = [model[name] for name in model if name.endswith("num_batches_tracked")]
    assert len(counters) == 13
    assert {(counter.dtype.name, counter.shape) for counter in counters} == {("int64", ())}
    assert min(counters) > 0


@pytest.mark.parametrize(
    ("ours", "keras"),
    [("mnist-pytorch", "mnist-keras"), ("mnist-sklearn", "mnist-keras"), ("imdb-pytorch", "imdb-keras")],
)
def test_projects_on_the_same_data_deal_it_out_alike(ours: str, keras: str) -> None:
    texts = [(PROJECTS / project / "client" / "partition.py").read_text() for project in (ours, keras)]
    assert texts[0] == texts[1]


def cifar(path: Path, files: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.type = len(content), kind
            archive.addfile(member, io.BytesIO(content))
    return path


def batches() -> dict[str, bytes]:
    """The files of CIFAR-10's binary version in small; an image's colours tell its number and its label."""
    files = {"cifar-10-batches-bin/batches.meta.txt": b"airplane\nautomobile\n"}
    for batch, name in enumerate(FILES):
        numbers = batch * RECORDS + np.arange(RECORDS)
        rows = np.tile(np.repeat(np.arange(32), 32), (RECORDS, 1))
        columns = np.tile(np.arange(32), (RECORDS, 32))
        records = np.column_stack([numbers % 10, rows + numbers[:, None], columns, np.full_like(rows, 250)])
        files[f"cifar-10-batches-bin/{name}.bin"] = records.astype(np.uint8).tobytes()
    return files


def test_cifar_10_is_read_and_dealt_out_whole(tmp_path: Path) -> None:
    archive = cifar(tmp_path / "cifar-10-binary.tar.gz", batches())
    dealt = partition(PARTITION, tmp_path / "data", 3, archive)
    assert dealt.returncode == 0, dealt.stderr
    seen = []
    for client in range(3):
        with np.load(tmp_path / "data" / str(client) / "images.npz") as file:
            counts = [len(file[f"{part}_labels"]) for part in ("train", "test")]
            assert counts[1] == -(-sum(counts) // 5)
            for part in ("train", "test"):
                images, labels = file[f"{part}_images"], file[f"{part}_labels"]
                assert (images.dtype, images.shape[1:]) == (np.uint8, (3, 32, 32))
                numbers = images[:, 0, 0, 0]
                assert (labels == numbers % 10).all()
                assert (images[:, 0, 5] == numbers[:, None] + 5).all()
                assert (images[:, 1] == np.arange(32)).all()
                assert (images[:, 2] == 250).all()
                seen += numbers.tolist()
    assert sorted(seen) == list(range(len(FILES) * RECORDS))


def test_the_same_seed_makes_up_the_same_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = {}
    for folder, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        monkeypatch.setenv("FEDN_SEED", seed)
        assert partition(PARTITION, tmp_path / folder, 2).returncode == 0
        made[folder] = [(tmp_path / folder / client / "images.npz").read_bytes() for client in ("0", "1")]
    assert made["a"] == made["b"] != made["c"]


def test_other_files_are_refused_with_what_is_expected(tmp_path: Path) -> None:
    good = batches()
    first = "cifar-10-batches-bin/data_batch_1.bin"
    path = tmp_path / "download"

    def refused(reason: str) -> None:
        dealt = partition(PARTITION, tmp_path / "data", 2, path)
        assert (dealt.returncode, "Traceback" in dealt.stderr) == (1, False)
        assert reason in dealt.stderr
        assert "expected cifar-10-binary.tar.gz" in dealt.stderr
        assert not (tmp_path / "data").exists()

    refused("No such file")
    path.write_bytes(b"<html>not found</html>")
    refused("not a gzip file")
    cifar(path, {f"cifar-10-batches-py/{name}": b"\x80\x02}q\x01." for name in FILES})
    refused("data_batch_1.bin' not found")
    cifar(path, {**good, first: good[first][:-1]})
    refused("no number of records")
    cifar(path, {**good, first: b"\x0a" + good[first][1:]})
    refused("a label 10")
    cifar(path, dict.fromkeys(good, b""), kind=tarfile.SYMTYPE)
    refused("no number of records")
    cifar(path, good)
    path.write_bytes(path.read_bytes()[:-200])
    refused("can't be read")


def test_there_must_be_images_for_each_client(tmp_path: Path) -> None:
    dealt = partition(PARTITION, tmp_path, 61)
    assert (dealt.returncode, dealt.stderr) == (1, "600 images are too few for 61 clients: each gets 10 at least\n")
