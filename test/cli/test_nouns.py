"""The commands that talk to a reducer, against a real one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from federation import Federation, seed_file

from fedn.config import ReducerSettings
from fedn.reducer.serve import serving
from fedn.stores.documents import Model, Session

pytestmark = pytest.mark.usefixtures("network")


@pytest.fixture
def at(fedn, network: Federation):
    """Runs a command on the network."""
    return lambda *words: fedn(*words, "--data-dir", network.data_dir)


def test_models(at, tmp_path: Path) -> None:
    seeded = at("model", "seed", seed_file(tmp_path), "--json").json
    assert seeded["parameters"] == 3
    assert at("model", "list", "--limit", 1, "--json").json[0]["id"] == seeded["id"]
    assert seeded["id"] in at("model", "list").out
    assert at("model", "show", "--json").json == at("model", "show", seeded["id"], "--json").json
    assert Model.from_body(at("model", "show", "--json").json).id == seeded["id"]
    assert seeded["sha256"] in at("model", "show").out
    target = tmp_path / "down.npz"
    assert at("model", "download", "-o", target).out == f"{target}\n"
    assert np.load(target)["weights"].tolist() == [0, 0, 0]


def test_packages(at, fedn, network: Federation, tmp_path: Path) -> None:
    assert "fedn.yaml" in fedn("package", "create", tmp_path / "points").out
    checked = fedn("package", "check", tmp_path / "points", "--json").json
    assert checked["entry_points"].keys() == {"train", "validate", "seed", "partition"}
    uploaded = at("package", "upload", tmp_path / "points", "--json").json
    assert uploaded["id"] == checked["sha256"]
    assert [one.id for one in network.reducer.packages()] == [checked["sha256"]]
    again = fedn("package", "create", tmp_path / "points")
    assert (again.status, "is there already" in again.err) == (7, True)
    manifest = tmp_path / "points" / "client" / "fedn.yaml"
    manifest.write_text(manifest.read_text().replace("seed:", "sead:") + "\nnote: none\n")
    warned = fedn("package", "check", tmp_path / "points")
    assert (warned.status, warned.err) == (0, "warning: nothing runs `sead`; is `seed` meant?\n")
    broken = fedn("package", "check", tmp_path, "--json")
    assert (broken.status, broken.json["error"]["code"]) == (3, "invalid_package")


def test_who_is_there(at, network: Federation) -> None:
    assert at("client", "list").out == "no client is connected: `fedn run client` starts one\n"
    with network.clients(2):
        assert [one["name"] for one in at("client", "list", "--json").json] == ["c0", "c1"]
        assert at("combiner", "list", "--json").json[0]["clients"] == 2
        shown = at("network", "show")
        assert all(text in shown.out for text in ("reducer at https://localhost:", "combiner", "c0", "c1", "connected"))
        assert at("network", "show", "--json").json.keys() == {"reducer", "combiners", "clients", "edges", "standings"}


def test_sessions(at, network: Federation, tmp_path: Path) -> None:
    network.reducer.seed_model(seed_file(tmp_path))
    early = at("session", "start", "--clients-required", 5, "--json")
    assert (early.status, early.json["error"]["code"]) == (8, "not_ready")
    with network.clients(2):
        options = ("--rounds", 2, "--clients-required", 2, "--seed", 7, "-P", "epochs=3", "-P", "name=x", "--watch")
        ran = at("session", "start", *options)
        assert ran.status == 0
        first, second, end = ran.out.splitlines()
        assert first.startswith("round 1 of 2: 2 of 2 clients, ")
        assert second.endswith("mean=2.0000")
        session_id = end.split()[1]
        shown = at("session", "show", session_id, "--json").json
        assert (shown["seed"], shown["parameters"]) == (7, {"epochs": 3, "name": "x"})
        assert [one["kind"] for one in shown["round_list"]] == ["validate", "train"] * 2
        assert Session.from_body(shown).state == "finished"
        assert "finished" in at("session", "show", session_id).out
        assert session_id in at("session", "list").out
        lines = at("session", "watch", session_id, "--json").out.splitlines()
        assert [json.loads(line)["kind"] for line in lines] == ["session"]
        compared = at("session", "compare", session_id, session_id, "--json").json
        assert [one["session_id"] for one in compared] == [session_id]
        shown = at("session", "compare", session_id).out
        assert all(text in shown for text in (session_id, "rounds done", "mean, best", "2.0000 (round 2)"))
        started = at("session", "start", "--rounds", 100_000, "--no-validate", "--json").json
        assert at("session", "start").status == 7
        assert at("session", "stop", started["id"]).status == 0
        assert f"session {started['id']} is stopped" in at("session", "watch", started["id"]).out
    assert at("session", "start", "-P", "epochs").status == 3
    assert at("session", "show", "none").status == 6


def test_a_session_that_fails_says_why(at, network: Federation, tmp_path: Path) -> None:
    network.reducer.seed_model(seed_file(tmp_path, name="poison"))
    with network.clients(1):
        words = ("session", "start", "--rounds", 1, "--attempts", 1, "--watch")
        ran = at(*words)
        assert ran.status == 14
        assert "round 1: c0 broken" in ran.out
        assert "the train function raised ValueError: poisoned" in ran.err
        assert at(*words, "--json").json["error"]["code"] == "training_failed"
        failed = network.reducer.sessions(1)[0]
        shown = at("session", "show", failed.id).out
        assert "client c0 in round 1: the train function raised ValueError: poisoned" in shown
        assert "    Traceback (most recent call last):" in shown
        for text in (shown, ran.err):
            assert r"poisoned \x1b[31mred" in text
            assert "\x1b" not in text
        *_, end = at("session", "watch", failed.id, "--json").out.splitlines()
    assert json.loads(end)["error"]["code"] == "training_failed"


def test_tokens(at, fedn) -> None:
    made = at("token", "create", "--role", "viewer", "--days", 2, "--json").json
    assert made.keys() == {"id", "role", "token", "join", "settings", "expires_at", "warning"}
    assert fedn("network", "show", "--join", made["join"]).status == 0
    assert fedn("token", "list", "--join", made["join"]).status == 5
    assert made["id"] in at("token", "list").out
    assert at("token", "revoke", made["id"]).status == 0
    assert {one["id"]: one for one in at("token", "list", "--json").json}[made["id"]]["revoked_at"] is not None
    assert fedn("network", "show", "--join", made["join"]).status == 4
    printed = at("token", "create", "--role", "client")
    assert printed.out.startswith("fedn://")
    assert "role client" in printed.err


def test_a_join_string_that_is_good_on_one_machine_only_is_warned_of(fedn, tmp_path: Path) -> None:
    with serving(ReducerSettings(data_dir=tmp_path, port=0)):
        words = ("token", "create", "--role", "client", "--data-dir", tmp_path)
        ran = fedn(*words)
        assert ran.out.startswith("fedn://localhost:")
        assert len(ran.out.splitlines()) == 1
        assert "warning: the join string says localhost" in ran.err
        ran = fedn(*words, "--json")
        assert ran.json["warning"].startswith("the join string says localhost")
        assert "warning: " in ran.err
