from __future__ import annotations

import signal
import socket
import stat
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from waiting import DEADLINE

from fedn.config import ReducerSettings
from fedn.errors import ConfigError, Conflict
from fedn.reducer.serve import serving
from fedn.rpc.http import connect
from fedn.security.join import JoinString
from fedn.security.tokens import Role

RUN = """
import sys
from pathlib import Path
from fedn.config import ReducerSettings
from fedn.reducer.serve import run
run(ReducerSettings(data_dir=Path(sys.argv[1]), host="127.0.0.1", port=0))
"""


def settings(folder: Path, **more: Any) -> ReducerSettings:
    return ReducerSettings(**{"data_dir": folder, "host": "127.0.0.1", "port": 0, **more})


def read_join(folder: Path, role: str) -> JoinString:
    return JoinString.parse((folder / "join" / role).read_text())


def test_join_strings_are_left_for_this_user_alone_and_work(tmp_path: Path) -> None:
    with serving(settings(tmp_path)) as (services, port):
        for role in ("operator", "combiner", "client"):
            path = tmp_path / "join" / role
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            join = read_join(tmp_path, role)
            assert (join.host, join.port) == ("localhost", port)
            assert services.tokens.verify(join.token).role == role
            connect(join).close()
        assert stat.S_IMODE((tmp_path / "join").stat().st_mode) == 0o700


def test_a_token_that_is_still_good_is_left_with_the_new_address(tmp_path: Path) -> None:
    with serving(settings(tmp_path)):
        former = read_join(tmp_path, "client")
    with serving(settings(tmp_path)) as (_, port):
        present = read_join(tmp_path, "client")
        assert (present.token, present.port) == (former.token, port)


@pytest.mark.parametrize("spoil", ["missing", "nonsense", "revoked", "old", "role", "foreign"])
def test_a_token_that_is_no_good_is_replaced(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "join" / "client"
    with serving(settings(tmp_path)) as (services, _):
        former = read_join(tmp_path, "client")
        if spoil == "missing":
            path.unlink()
        elif spoil == "nonsense":
            path.write_bytes(b"\xff\xfe")
        elif spoil == "revoked":
            services.tokens.revoke(services.tokens.verify(former.token).token_id)
        elif spoil in ("old", "role"):
            role = Role.CLIENT if spoil == "old" else Role.COMBINER
            _, token = services.tokens.issue(role, days=0.1 if spoil == "old" else 30)
            path.write_text(services.tokens.join_string(token, host="localhost", port=1))
        else:
            path.write_text(str(former).replace(former.fingerprint, "0" * 64))
    spoilt = path.read_bytes() if path.exists() else b""
    with serving(settings(tmp_path)) as (services, _):
        present = read_join(tmp_path, "client")
        assert present.token.encode() not in spoilt
        assert services.tokens.verify(present.token).role == Role.CLIENT
        connect(present).close()


def test_the_certificate_holds_for_the_names_of_the_settings(tmp_path: Path) -> None:
    with serving(settings(tmp_path, names=("fedn.example", "192.0.2.7"))) as (services, _):
        certificate = (tmp_path / "reducer" / "server.pem").read_bytes()
        assert b"BEGIN CERTIFICATE" in certificate
        assert certificate.endswith(services.authority.certificate_pem)
    with (
        pytest.raises(ConfigError, match="names: 'no name!' is neither a host name"),
        serving(settings(tmp_path, names=("no name!",))),
    ):
        pass


def test_a_port_in_use_is_named_at_once_and_nothing_is_left_open(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with (
            pytest.raises(ConfigError, match=rf"port {port} on 127.0.0.1 is in use.*--port"),
            serving(settings(tmp_path, port=port)),
        ):
            pass
    assert not (tmp_path / "reducer").exists()
    with serving(settings(tmp_path, port=port)):
        pass


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
def test_an_address_that_is_not_this_machine_s_is_named(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigError, match=host), serving(settings(tmp_path, host=host)):
        pass


def test_one_reducer_a_data_folder(tmp_path: Path) -> None:
    with serving(settings(tmp_path)):
        with pytest.raises(Conflict, match="in use by process"), serving(settings(tmp_path)):
            pass
        connect(read_join(tmp_path, "operator")).close()


def test_it_listens_on_ipv6_too(tmp_path: Path) -> None:
    with serving(settings(tmp_path, host="::1")) as (_, port), ExitStack() as stack:
        join = read_join(tmp_path, "client")
        http = connect(JoinString("::1", port, join.fingerprint, join.token))
        stack.callback(http.close)
        assert http.get("/api/v1/health")["status"] == "ok"


def test_uploads_that_a_killed_process_left_are_removed(tmp_path: Path) -> None:
    leftover = tmp_path / "reducer" / "tmp" / "upload-x"
    leftover.parent.mkdir(parents=True)
    leftover.write_text("half a model")
    with serving(settings(tmp_path)):
        assert not leftover.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_and_its_streams(tmp_path: Path, number: signal.Signals) -> None:
    process = subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path)])
    try:
        path = tmp_path / "join" / "operator"
        while not path.exists():
            assert process.poll() is None
            time.sleep(0.02)
        http = connect(read_join(tmp_path, "operator"))
        lines = http.lines("/api/v1/events/watch")
        assert next(lines) == ": watching"
        process.send_signal(number)
        assert list(lines) == [""]
        assert process.wait(DEADLINE) == 0
        http.close()
    finally:
        process.kill()
        process.wait()


ELSEWHERE = """
import select, signal, sys, threading
from pathlib import Path

def terminate():
    at, looks = None, 0
    while looks < 10 or not (Path(sys.argv[1]) / "join" / "operator").exists():  # until the main thread waits
        select.select([], [], [], 0.02)
        frame = sys._current_frames()[threading.main_thread().ident]
        looks = looks + 1 if at == (id(frame), frame.f_lasti) else 0
        at = id(frame), frame.f_lasti
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

threading.Thread(target=terminate, daemon=True).start()
"""


def test_a_signal_is_heard_wherever_the_system_delivers_it(tmp_path: Path) -> None:
    """Of one that comes just before a wait, the waiting thread would hear as little as of one to another thread."""
    process = subprocess.Popen([sys.executable, "-c", ELSEWHERE + RUN, str(tmp_path)])
    try:
        assert process.wait(DEADLINE) == 0
    finally:
        process.kill()
        process.wait()


HANG = """
import threading
from fedn.reducer import serve
from fedn.reducer.services import Services

serve.CLOSE_SECONDS = 0.2
Services.close = lambda self: threading.Event().wait()
"""


def test_a_reducer_that_hangs_while_it_closes_says_where_and_ends(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HANG + RUN, str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            while not (tmp_path / "join" / "operator").exists():
                assert process.poll() is None
                time.sleep(0.02)
            process.terminate()
            _, said = process.communicate(timeout=DEADLINE)
            assert process.returncode == 1
            assert "Timeout" in said
            assert "serve.py" in said
        finally:
            process.kill()
