from __future__ import annotations

import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from federation import Federation, seed_file


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
