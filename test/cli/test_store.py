"""`fedn store`: federations move between stores, are backed up while they train, and go on where they are put."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from going import ROUNDS, Trainer, assert_gone_on
from loopback import Federation, plus_one
from servers import MongoServer, running
from stored import FILES, embedded_file, records, seeded, settings_file, state_of
from waiting import DEADLINE

from fedn.config import MongoSettings, S3Settings
from fedn.security import keyring
from fedn.stores.documents import Client, Combiner, Model
from fedn.stores.opening import open_artifacts
from fedn.stores.protocols import ArtifactStore, StateStore


def assert_files_are_whole(state: StateStore, artifacts: ArtifactStore) -> None:
    """Every record of a model has its file with the right digest."""
    models = [model for _, model in state.find(Model)]
    assert models
    for model in models:
        assert hashlib.sha256(artifacts.read("fedn-models", model.id)).hexdigest() == model.sha256


async def train(network: Federation, *, rounds: int = 2) -> None:
    """Seed where nothing is, and run a session."""
    if not await network.trail():
        await network.seed({"a": np.zeros(3, np.float32)})
    await network.add_client("client")
    session = await network.session(rounds=rounds)
    assert session.state == "finished", session.error


async def trained(folder: Path, network_id: str) -> None:
    """Leave an embedded federation that has trained in `folder`."""
    async with Federation(folder, network_id=network_id) as network:
        await train(network)


async def test_a_federation_moves_to_servers_and_back_and_trains_on_each_time(
    fedn, tmp_path: Path, network_id: str, mongo: MongoSettings, s3: S3Settings
) -> None:
    home, away = tmp_path / "home", tmp_path / "away"
    await trained(home, network_id)
    before = records(home, network_id)
    init = settings_file(tmp_path / "reducer.yaml", network_id=network_id, mongo=mongo, s3=s3)
    ran = await asyncio.to_thread(fedn, "store", "migrate", "--to", init, "--data-dir", home, "--json")
    assert ran.status == 0, ran.out
    assert ran.json["network_id"] == network_id
    assert (ran.json["files"], ran.json["files_present"], ran.json["files_left"]) == (3, 0, 0)
    assert sum(ran.json["documents"].values()) == len(before)
    assert ran.json["next"] == f"fedn run reducer --init {init} --data-dir {home}"
    assert records(home, network_id) == before
    assert records(home, network_id, mongo) == before

    async with Federation(home, network_id=network_id, statestore=mongo, storage=s3, combiners=0) as network:
        assert [model.number for model in await network.trail()] == [0, 1, 2]
        assert network.services.state.get(Client, "client") is not None
        assert network.services.state.get(Combiner, "c0") is not None
        assert {record.document.id for record in before if record.document.KIND == "network.tokens"} == {
            one.id for one in await asyncio.to_thread(network.operator.tokens)
        }, "the join strings of the data folder are good still"
        await network.add_combiner("c0")
        await train(network)
        np.testing.assert_array_equal((await network.model())["a"], np.full(3, 4, np.float32))

    there = records(home, network_id, mongo)
    back = embedded_file(tmp_path / "back.yaml", network_id=network_id)
    init.write_text(yaml.safe_dump({**yaml.safe_load(init.read_text()), "data_dir": str(home)}))
    ran = await asyncio.to_thread(fedn, "store", "migrate", "--from", init, "--to", back, "--data-dir", away)
    assert ran.status == 0, ran.err
    assert records(away, network_id) == there
    for name in keyring.FILES:
        assert (away / "reducer" / name).read_bytes() == (home / "reducer" / name).read_bytes()
        assert (away / "reducer" / name).stat().st_mode & 0o777 == 0o600
    async with Federation(away, network_id=network_id) as network:
        await train(network)
        assert [model.number for model in await network.trail()] == [0, 1, 2, 1, 2, 1, 2]


def test_models_alone_move_where_both_ends_have_the_same_state_store(
    fedn, tmp_path: Path, network_id: str, s3: S3Settings
) -> None:
    seeded(tmp_path / "data", network_id)
    mongo = MongoSettings()
    init = settings_file(tmp_path / "reducer.yaml", network_id=network_id, mongo=mongo, s3=s3, statestore={})
    ran = fedn("store", "migrate", "--to", init, "--data-dir", tmp_path / "data", "--json")
    assert ran.status == 0, ran.out
    assert (ran.json["documents"], ran.json["files"]) == ({}, 1)
    with (
        state_of(tmp_path / "data", network_id) as state,
        contextlib.closing(open_artifacts(s3, network_id=network_id, data_dir=tmp_path)) as artifacts,
    ):
        assert_files_are_whole(state, artifacts)


def test_a_move_that_is_killed_is_done_again(fedn, tmp_path: Path, network_id: str, s3: S3Settings) -> None:
    home = tmp_path / "home"
    seeded(home, network_id, events=3000)
    with running(MongoServer(tmp_path / "mongo")) as server, server.connect() as client:
        init = settings_file(tmp_path / "reducer.yaml", network_id=network_id, mongo=server.settings(), s3=s3)
        words = ("store", "migrate", "--to", str(init), "--data-dir", str(home), "--json")
        heads = client[network_id]["network.reducer"]
        with subprocess.Popen([sys.executable, "-m", "fedn", *words]) as killed:
            while not (heads.find_one({"_id": "head"}) or {}).get("loading"):
                assert killed.poll() is None
            killed.kill()
        refused = fedn(*words)
        assert (refused.status, refused.json["error"]["code"]) == (7, "conflict")
        assert "its lease ends in" in refused.json["error"]["hint"]
        heads.update_one({}, [{"$set": {"lease.until": "$$NOW"}}])  # as after those seconds
        ran = fedn(*words)
        assert ran.status == 0, ran.out
        assert ran.json["files_present"] == 1
        assert records(home, network_id, server.settings()) == records(home, network_id)


@pytest.mark.parametrize("kept", ["embedded", "servers"])
async def test_a_backup_of_a_session_that_runs_is_restored_and_goes_on(
    fedn, tmp_path: Path, network_id: str, *, mongo: MongoSettings, s3: S3Settings, kept: str
) -> None:
    home, backup, away = tmp_path / "home", tmp_path / "backup", tmp_path / "away"
    init = embedded_file(tmp_path / "embedded.yaml", network_id=network_id)
    stores: dict[str, Any] = {}
    if kept == "servers":
        settings_file(init, network_id=network_id, mongo=mongo, s3=s3)
        stores = {"statestore": mongo, "storage": s3}
    trainer = Trainer()
    async with Federation(home, network_id=network_id, **stores) as network:
        await network.seed({"a": np.zeros(3, np.float32)})
        await network.add_client("client", train=trainer)
        session = await network.start_session(rounds=ROUNDS)
        assert await asyncio.to_thread(trainer.begun.wait, DEADLINE)
        ran = await asyncio.to_thread(fedn, "store", "backup", backup, "--init", init, "--data-dir", home, "--json")
        assert ran.status == 0, ran.out
        assert ran.json["files"] == 3
        trainer.go_on.set()
        await network.end_of(session)
    manifest = json.loads((backup / "backup.json").read_text())
    assert (manifest["network_id"], manifest["documents"]) == (network_id, ran.json["documents"])
    assert backup.stat().st_mode & 0o777 == 0o700
    assert all((backup / "reducer" / name).stat().st_mode & 0o777 == 0o600 for name in keyring.FILES)
    copied = records(backup, network_id)
    own = embedded_file(tmp_path / "own.yaml", network_id=network_id)
    words = ("store", "restore", backup, "--init", own, "--data-dir", away)
    ran = await asyncio.to_thread(fedn, *words, "--json")
    assert ran.status == 0, ran.out
    assert records(away, network_id) == copied
    with state_of(away, network_id) as state:
        assert_files_are_whole(state, open_artifacts(FILES, network_id=network_id, data_dir=away))
    assert (await asyncio.to_thread(fedn, *words)).status == 7
    for folder in (away, backup):  # a backup is a data folder, too
        async with Federation(folder, network_id=network_id) as network:
            await network.add_client("client", train=plus_one)
            await network.end_of(session)
            await assert_gone_on(network, session.id)


def test_no_secret_is_printed(fedn, tmp_path: Path, network_id: str, mongo: MongoSettings, s3: S3Settings) -> None:
    seeded(tmp_path / "data", network_id)
    init = settings_file(tmp_path / "reducer.yaml", network_id=network_id, mongo=mongo, s3=s3)
    ran = fedn("store", "migrate", "--to", init, "--data-dir", tmp_path / "data")
    assert ran.status == 0
    assert "control.model" in ran.out
    assert s3.secret_key not in ran.out + ran.err
