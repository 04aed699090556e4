"""`fedn health`, of roles that run as processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from processes import Process

from fedn.cli import exits
from fedn.security.tokens import Role, TokenIssuer, new_signing_key


def health(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fedn", "health", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


async def test_a_reducer_and_a_combiner_are_well_while_they_run(tmp_path: Path) -> None:
    reducer = await Process.start("reducer", "--host", "127.0.0.1", "--port", "0", data_dir=tmp_path)
    await reducer.says("listens on")
    combiner = await Process.start("combiner", "--bind", "127.0.0.1", "--port", "0", data_dir=tmp_path)
    await combiner.says("listens on")
    for role, process in (("reducer", reducer), ("combiner", combiner)):
        ran = health("--pid", process.pid, "--data-dir", tmp_path)
        assert ran.returncode == exits.OK, ran.stderr
        assert ran.stdout.startswith(f"the {role} is well")
    pid = reducer.pid
    await combiner.stop()
    await reducer.stop()
    assert health("--pid", pid).returncode == exits.BY_CODE["not_found"]


async def test_a_client_without_a_reducer_is_not_well(tmp_path: Path) -> None:
    token = TokenIssuer(new_signing_key(), "network").issue(Role.CLIENT, token_id="t", now=time.time(), lifetime=60)
    join = f"fedn://localhost:1/{'0' * 64}/{token}"
    client = await Process.start("client", "--join", join, data_dir=tmp_path)
    await client.says("trying again")
    ran = health("--pid", client.pid)
    assert ran.returncode == exits.BY_CODE["unavailable"]
    assert "no connection" in ran.stderr
    await client.stop()


def test_a_process_that_is_no_role_is_not_found() -> None:
    ran = health("--pid", os.getpid())
    assert ran.returncode == exits.BY_CODE["not_found"]
