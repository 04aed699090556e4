"""What `fedn store` refuses, or fails at: it says why, and everything is as it was."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from loopback import Federation
from stored import embedded_file, records, seeded, settings_file

from fedn.config import MongoSettings, S3Settings
from fedn.security.tokens import new_signing_key


def test_a_target_with_documents_is_left_alone(
    fedn, tmp_path: Path, network_id: str, mongo: MongoSettings, s3: S3Settings
) -> None:
    seeded(tmp_path / "data", network_id)
    init = settings_file(tmp_path / "reducer.yaml", network_id=network_id, mongo=mongo, s3=s3)
    words = ("store", "migrate", "--to", init, "--data-dir", tmp_path / "data")
    assert fedn(*words).status == 0
    there = records(tmp_path, network_id, mongo)
    ran = fedn(*words)
    assert ran.status == 7
    assert f"there is a federation already in the database {network_id}" in ran.err
    assert records(tmp_path, network_id, mongo) == there


async def test_nothing_moves_while_a_reducer_runs(
    fedn, tmp_path: Path, network_id: str, mongo: MongoSettings, s3: S3Settings
) -> None:
    home, init = tmp_path / "home", tmp_path / "reducer.yaml"
    settings_file(init, network_id=network_id, mongo=mongo, s3=s3)
    words = ("store", "migrate", "--to", init, "--data-dir", home)
    async with Federation(home, combiners=0, network_id=network_id) as network:
        await network.seed({"a": np.zeros(3, np.float32)})
        ran = await asyncio.to_thread(fedn, *words)
        assert ran.status == 7
        assert "is in use by process" in ran.err
        assert "stop that reducer" in ran.err
    async with Federation(tmp_path / "other", combiners=0, network_id=network_id, statestore=mongo, storage=s3):
        ran = await asyncio.to_thread(fedn, *words)
        assert ran.status == 7
        assert "is led by" in ran.err
    assert len(records(home, network_id)) > 0


def test_both_ends_are_of_one_network(
    fedn, tmp_path: Path, network_id: str, mongo: MongoSettings, s3: S3Settings
) -> None:
    seeded(tmp_path / "data", network_id)
    init = settings_file(tmp_path / "reducer.yaml", network_id=f"{network_id}-x"[-60:], mongo=mongo, s3=s3)
    ran = fedn("store", "migrate", "--to", init, "--data-dir", tmp_path / "data")
    assert ran.status == 3
    assert f"hint: set network_id to {network_id}" in ran.err


def test_what_is_not_there_is_said(fedn, tmp_path: Path, mongo: MongoSettings, s3: S3Settings) -> None:
    init = settings_file(tmp_path / "reducer.yaml", network_id="n", mongo=mongo, s3=s3)
    for words in (("migrate", "--to", init), ("backup", tmp_path / "backup")):
        ran = fedn("store", *words, "--data-dir", tmp_path / "none")
        assert ran.status == 6
        assert "there is no federation in" in ran.err
    assert not (tmp_path / "none").exists()
    assert not (tmp_path / "backup").exists()
    (tmp_path / "folder").mkdir()
    assert fedn("store", "restore", tmp_path / "folder").status == 6
    assert fedn("store", "migrate").status == 2


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_damaged_file_is_named_and_nothing_is_loaded(
    fedn, tmp_path: Path, network_id: str, *, mongo: MongoSettings, s3: S3Settings, damage: str
) -> None:
    home, backup = tmp_path / "home", tmp_path / "backup"
    seeded(home, network_id)
    [file] = (home / "reducer" / "artifacts" / "fedn-models").iterdir()
    if damage == "changed":
        file.write_bytes(b"?" * file.stat().st_size)
    else:
        file.unlink()
    init = settings_file(tmp_path / "reducer.yaml", network_id=network_id, mongo=mongo, s3=s3)
    ran = fedn("store", "migrate", "--to", init, "--data-dir", home)
    assert ran.status == (12 if damage == "changed" else 6)
    assert f"the file of the model {file.name}" in ran.err
    assert records(home, network_id, mongo) == []
    own = embedded_file(tmp_path / "own.yaml", network_id=network_id)
    assert fedn("store", "backup", backup, "--init", own, "--data-dir", home).status == ran.status
    assert not backup.exists()
    assert not backup.with_name("backup.unfinished").exists()


def test_a_folder_that_is_there_is_not_overwritten(fedn, tmp_path: Path, network_id: str) -> None:
    seeded(tmp_path / "data", network_id)
    own = embedded_file(tmp_path / "own.yaml", network_id=network_id)
    words = ("--init", own, "--data-dir", tmp_path / "data")
    (tmp_path / "there").mkdir()
    ran = fedn("store", "backup", tmp_path / "there", *words)
    assert ran.status == 7
    assert "is there already" in ran.err
    foreign = tmp_path / "new.unfinished" / "mine"
    foreign.parent.mkdir()
    foreign.touch()
    assert fedn("store", "backup", tmp_path / "new", *words).status == 7
    assert foreign.exists()


def test_keys_of_another_network_are_not_overwritten(fedn, tmp_path: Path, network_id: str) -> None:
    seeded(tmp_path / "data", network_id)
    own = embedded_file(tmp_path / "own.yaml", network_id=network_id)
    assert fedn("store", "backup", tmp_path / "backup", "--init", own, "--data-dir", tmp_path / "data").status == 0
    other = tmp_path / "other" / "reducer" / "ca.key"
    other.parent.mkdir(parents=True)
    other.write_text("of another")
    ran = fedn("store", "restore", tmp_path / "backup", "--init", own, "--data-dir", tmp_path / "other")
    assert ran.status == 7
    assert f"{other} is of another network" in ran.err
    assert other.read_text() == "of another"
    assert records(tmp_path / "other", network_id) == []


@pytest.mark.parametrize("there", ["nothing", "an empty folder", "an empty folder for keys"])
def test_a_restore_that_fails_leaves_nothing_behind(fedn, tmp_path: Path, network_id: str, there: str) -> None:
    home, backup, data = tmp_path / "home", tmp_path / "backup", tmp_path / "deep" / "data"
    seeded(home, network_id)
    own = embedded_file(tmp_path / "own.yaml", network_id=network_id)
    assert fedn("store", "backup", backup, "--init", own, "--data-dir", home).status == 0
    whole = next((backup / "reducer" / "artifacts" / "fedn-models").iterdir())
    content = whole.read_bytes()
    if there != "nothing":
        (data / "reducer" if there.endswith("keys") else data).mkdir(parents=True, mode=0o750)
    before = sorted(tmp_path.rglob("deep/**/*")), (tmp_path / "deep").exists()
    words = ("store", "restore", backup, "--init", own, "--data-dir", data)
    whole.unlink()
    assert fedn(*words).status == 6
    assert (sorted(tmp_path.rglob("deep/**/*")), (tmp_path / "deep").exists()) == before
    whole.write_bytes(content)
    assert fedn(*words).status == 0
    assert records(data, network_id) == records(home, network_id)


def test_a_move_that_fails_leaves_nothing_behind(
    fedn, tmp_path: Path, network_id: str, mongo: MongoSettings, s3: S3Settings
) -> None:
    init = settings_file(tmp_path / "reducer.yaml", network_id=network_id, mongo=mongo, s3=s3)
    ran = fedn("store", "migrate", "--from", init, "--data-dir", tmp_path / "data")
    assert ran.status == 6
    assert f"has no database {network_id} yet" in ran.err
    assert not (tmp_path / "data").exists()


def test_what_was_in_the_data_folder_is_there_after_a_failure(fedn, tmp_path: Path, network_id: str) -> None:
    seeded(tmp_path / "home", network_id)
    own = embedded_file(tmp_path / "own.yaml", network_id=network_id)
    backup, data = tmp_path / "backup", tmp_path / "data"
    assert fedn("store", "backup", backup, "--init", own, "--data-dir", tmp_path / "home").status == 0
    (data / "reducer").mkdir(parents=True)
    (data / "reducer" / "note").write_text("mine")
    next((backup / "reducer" / "artifacts" / "fedn-models").iterdir()).unlink()
    assert fedn("store", "restore", backup, "--init", own, "--data-dir", data).status == 6
    assert (data / "reducer" / "note").read_text() == "mine"


def test_keys_that_are_not_the_network_s_are_not_moved(fedn, tmp_path: Path, network_id: str) -> None:
    seeded(tmp_path / "data", network_id)
    own = embedded_file(tmp_path / "own.yaml", network_id=network_id)
    (tmp_path / "data" / "reducer" / "signing.key").write_bytes(new_signing_key())
    ran = fedn("store", "backup", tmp_path / "backup", "--init", own, "--data-dir", tmp_path / "data")
    assert ran.status == 3
    assert "signing.key is not the key that the network's tokens are signed with" in ran.err
    assert not list(tmp_path.glob("backup*"))
