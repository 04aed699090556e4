from __future__ import annotations

import os
import re
import socket
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from federation import Federation, seed_file
from servers import MongoServer, S3Server, free_port, running
from stored import seeded, settings_file

from fedn.config import MongoSettings, ReducerSettings, S3Settings
from fedn.errors import NotFound
from fedn.reducer.services import Services
from fedn.security.tokens import new_signing_key
from fedn.stores.opening import open_artifacts


def verdicts(ran) -> dict[str, str]:
    return {one["check"]: one["verdict"] for one in ran.json}


def test_a_machine_without_a_network_is_well(fedn, tmp_path: Path) -> None:
    ran = fedn("doctor", "--data-dir", tmp_path / "new", "--json")
    assert ran.status == 0
    assert (
        verdicts(ran).items()
        >= {"python": "ok", "dependencies": "ok", "data folder": "ok", "join string": "warn"}.items()
    )
    assert all(one["hint"] for one in ran.json if one["verdict"] != "ok")


def test_settings_are_checked(fedn, tmp_path: Path) -> None:
    file = tmp_path / "combiner.yaml"
    file.write_text("combiner: {prot: 1}\n")
    ran = fedn("doctor", "--role", "combiner", "--init", file)
    assert ran.status == 1
    assert "FAIL  settings: " in ran.out
    assert "did you mean combiner.port?" in ran.out
    file.write_text("combiner: {port: 0}\n")
    assert "ok    settings: " in fedn("doctor", "--role", "combiner", "--init", file, "--data-dir", tmp_path).out


def test_a_port_in_use_is_found(fedn, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        file = tmp_path / "reducer.yaml"
        file.write_text("host: 127.0.0.1\n")
        words = ("doctor", "--role", "reducer", "--init", file, "--port", port, "--data-dir", tmp_path)
        ran = fedn(*words, "--json")
        assert verdicts(ran)["port"] == "warn"
        assert "can't be had" in next(one["message"] for one in ran.json if one["check"] == "port")
    assert verdicts(fedn(*words, "--json"))["port"] == "ok"


def test_a_data_folder_that_is_a_file(fedn, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = fedn("doctor", "--data-dir", tmp_path / "file", "--json")
    assert (ran.status, verdicts(ran)["data folder"]) == (1, "fail")


def test_a_network_is_looked_through(fedn, network: Federation, tmp_path: Path) -> None:
    network.reducer.seed_model(seed_file(tmp_path))
    ran = fedn("doctor", "--data-dir", network.data_dir, "--json")
    assert ran.status == 0
    found = verdicts(ran)
    expected = ("join string", "reducer", "certificate", "clock", "token", "combiner combiner", "model")
    assert {check: found[check] for check in expected} == dict.fromkeys(expected, "ok")
    assert "legacy clients" not in found
    assert "operator" in next(one["message"] for one in ran.json if one["check"] == "token")


@pytest.mark.parametrize("role", ["client", "combiner"])
def test_a_member_is_let_in_but_may_not_look(fedn, network: Federation, role: str) -> None:
    found = verdicts(fedn("doctor", "--role", role, "--data-dir", network.data_dir, "--json"))
    assert found["token"] == "ok"
    assert "model" not in found


@pytest.mark.parametrize("days", [1, 6.9, 8])
def test_a_combiner_s_token_that_ends_soon_is_warned_of(fedn, network: Federation, tmp_path: Path, days: float) -> None:
    join = network.reducer.create_token("combiner", days=days)["join"]
    ran = fedn("doctor", "--role", "combiner", "--join", join, "--data-dir", tmp_path, "--json")
    assert verdicts(ran)["token"] == ("ok" if days > 7 else "warn")
    assert ("fedn token create --role combiner" in messages(ran)["token"]) == (days < 7)


def test_what_is_wrong_with_a_join_string(fedn, network: Federation, tmp_path: Path) -> None:
    join = (network.data_dir / "join" / "client").read_text().strip()
    _, _, address, ca, token = join.split("/")

    def failing(text: str) -> str:
        ran = fedn("doctor", "--role", "client", "--data-dir", tmp_path, "--join", text, "--json")
        assert ran.status == 1
        return next(one["check"] for one in ran.json if one["verdict"] == "fail")

    assert failing(join[:30]) == "join string"
    assert failing(join.replace(address, "localhost:1")) == "reducer"
    assert failing(join.replace(ca, "0" * 64)) == "reducer"
    assert failing(join.replace(token, token[:-8] + "AAAAAAAA")) == "token"
    made = network.reducer.create_token("client", days=1)
    network.reducer.revoke_token(made["id"])
    assert failing(made["join"]) == "token"


def test_another_service_is_no_reducer(fedn, tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as other:
        thread = Thread(target=other.serve_forever)
        thread.start()
        join = f"fedn://127.0.0.1:{other.server_port}/{'0' * 64}/a.b.c"
        ran = fedn("doctor", "--data-dir", tmp_path, "--join", join, "--json")
        other.shutdown()
        thread.join()
    assert verdicts(ran)["reducer"] == "fail"
    assert "not as a FEDn reducer" in next(one["message"] for one in ran.json if one["check"] == "reducer")


def messages(ran) -> dict[str, str]:
    return {one["check"]: f"{one['message']} {one['hint']}" for one in ran.json}


def test_embedded_stores_are_looked_at_while_a_reducer_runs(fedn, network: Federation) -> None:
    ran = fedn("doctor", "--role", "reducer", "--data-dir", network.data_dir, "--json")
    found = messages(ran)
    assert verdicts(ran).items() >= {"state store": "ok", "artifact store": "ok", "leader": "ok", "keys": "ok"}.items()
    assert re.search(r"led by \S+, process \d+", found["leader"])
    assert str(network.data_dir / "reducer" / "state.db") in found["state store"]
    assert "more days" in found["certificate"]
    assert network.reducer.network()


def test_stores_that_are_not_made_yet_are_not_made(fedn, tmp_path: Path) -> None:
    ran = fedn("doctor", "--role", "reducer", "--data-dir", tmp_path / "new", "--port", 0, "--json")
    assert (ran.status, verdicts(ran)["state store"], verdicts(ran)["artifact store"]) == (0, "ok", "ok")
    assert not (tmp_path / "new").exists()
    assert messages(ran)["state store"].count("first start") == 1
    assert "leader" not in verdicts(ran)


def test_a_damaged_state_file_is_found(fedn, tmp_path: Path) -> None:
    file = tmp_path / "reducer" / "state.db"
    file.parent.mkdir()
    file.write_bytes(b"no database" * 1000)
    ran = fedn("doctor", "--role", "reducer", "--data-dir", tmp_path, "--port", 0, "--json")
    assert (ran.status, verdicts(ran)["state store"]) == (1, "fail")


def test_servers_that_are_well(fedn, tmp_path: Path, network_id: str, mongo: MongoSettings, s3: S3Settings) -> None:
    init = settings_file(tmp_path / "reducer.yaml", network_id=network_id, mongo=mongo, s3=s3)
    words = ("doctor", "--role", "reducer", "--init", init, "--data-dir", tmp_path, "--port", 0, "--json")
    given = ReducerSettings(data_dir=tmp_path, statestore=mongo, storage=s3, network_id=network_id)
    with closing(Services.open(given)):
        led = fedn(*words)
        assert led.status == 0, led.out
        assert f"led by {socket.gethostname()}, process {os.getpid()} " in messages(led)["leader"]
    ran = fedn(*words)
    assert ran.status == 0, ran.out
    found = messages(ran)
    assert found["leader"] == "nobody leads "
    assert f"database {network_id}" in found["state store"]
    assert f"buckets {s3.bucket} and {s3.context_bucket}" in found["artifact store"]


def test_servers_that_no_reducer_has_been_on_are_left_as_they_are(fedn, tmp_path: Path) -> None:
    with running(MongoServer(tmp_path / "mongo")) as mongo, running(S3Server(tmp_path / "s3")) as s3:
        storage = s3.settings()
        init = settings_file(tmp_path / "reducer.yaml", network_id="n", mongo=mongo.settings(), s3=storage)
        ran = fedn("doctor", "--role", "reducer", "--init", init, "--data-dir", tmp_path, "--port", 0, "--json")
        assert ran.status == 0, ran.out
        assert (verdicts(ran)["state store"], verdicts(ran)["artifact store"]) == ("ok", "warn")
        found = messages(ran)
        assert "has no database n yet; a reducer makes it at its first start" in found["state store"]
        assert f"has no buckets {storage.bucket} and {storage.context_bucket} yet" in found["artifact store"]
        assert "s3:CreateBucket" in found["artifact store"]
        with mongo.connect() as client:
            assert "n" not in client.list_database_names()
        with pytest.raises(NotFound):
            open_artifacts(storage, network_id="n", data_dir=tmp_path, make=False)


def test_keys_of_another_network_are_found(
    fedn, tmp_path: Path, network_id: str, *, mongo: MongoSettings, s3: S3Settings
) -> None:
    seeded(tmp_path / "first", network_id)
    init = settings_file(tmp_path / "reducer.yaml", network_id=network_id, mongo=mongo, s3=s3)
    assert fedn("store", "migrate", "--to", init, "--data-dir", tmp_path / "first").status == 0
    seeded(tmp_path / "second", network_id)
    words = ("doctor", "--role", "reducer", "--init", init, "--port", 0, "--json", "--data-dir")
    ran = fedn(*words, tmp_path / "second")
    assert ran.status == 1
    assert (verdicts(ran)["state store"], verdicts(ran)["keys"]) == ("ok", "fail")
    assert "is not that of the network in the state store" in messages(ran)["keys"]
    (tmp_path / "first" / "reducer" / "signing.key").write_bytes(new_signing_key())
    ran = fedn(*words, tmp_path / "first")
    assert ran.status == 1
    assert "signing.key is not the key that the network's tokens are signed with" in messages(ran)["keys"]


def test_servers_that_are_away(fedn, tmp_path: Path) -> None:
    init = settings_file(
        tmp_path / "reducer.yaml",
        network_id="n",
        mongo=MongoSettings(host="127.0.0.1", port=free_port(), timeout=1),
        s3=S3Settings(hostname="127.0.0.1", port=free_port(), secret_key="hidden-secret", secure=False),
    )
    ran = fedn("doctor", "--role", "reducer", "--init", init, "--data-dir", tmp_path, "--port", 0, "--json")
    assert ran.status == 1
    assert (verdicts(ran)["state store"], verdicts(ran)["artifact store"]) == ("fail", "fail")
    assert all(one["hint"] for one in ran.json if one["verdict"] == "fail")
    assert "hidden-secret" not in ran.out


def test_wrong_passwords_and_missing_rights(fedn, tmp_path: Path, s3: S3Settings) -> None:
    folder = tmp_path / "mongo"
    with running(MongoServer(folder)) as server, server.connect() as client:
        for user, role in (("writer", "readWrite"), ("reader", "read")):
            client.admin.command("createUser", user, pwd="right-secret", roles=[{"role": role, "db": "n"}])
        server.stop()
        server.start("--auth")
        wrong = S3Settings(**{**vars(s3), "secret_key": "wrong-secret"})

        def found(user: str, password: str, storage: S3Settings) -> dict[str, str]:
            mongo = server.settings(username=user, password=password)
            init = settings_file(tmp_path / "reducer.yaml", network_id="n", mongo=mongo, s3=storage)
            ran = fedn("doctor", "--role", "reducer", "--init", init, "--data-dir", tmp_path, "--port", 0, "--json")
            assert not [word for word in ("right-secret", "wrong-secret", s3.secret_key) if word in ran.out]
            return {one["check"]: f"{one['verdict']}: {one['message']} {one['hint']}" for one in ran.json}

        assert "fail: " in found("writer", "wrong-secret", wrong)["state store"]
        assert "refuses the user 'writer'" in found("writer", "wrong-secret", wrong)["state store"]
        assert "storage_secret_key" in found("writer", "right-secret", wrong)["artifact store"]
        assert "ok: " in found("writer", "right-secret", s3)["state store"]
        assert "grant it the role readWrite" in found("reader", "right-secret", s3)["state store"]
