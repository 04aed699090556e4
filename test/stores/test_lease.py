"""One writer per data folder."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fedn.errors import Conflict, Unavailable
from fedn.stores.lease import Lease, holder_of

HOLD = """
import sys, threading
from pathlib import Path
from fedn.stores.lease import Lease

lease = Lease(Path(sys.argv[1]))
print("held", flush=True)
threading.Event().wait()
"""


def test_a_second_holder_is_told_who_the_first_is(tmp_path: Path) -> None:
    folder = tmp_path / "reducer"
    for _ in range(2):
        with Lease(folder):
            holder = f"process {os.getpid()} on {socket.gethostname()}"
            for _ in range(2):
                with pytest.raises(Conflict, match=rf"reducer is in use by {re.escape(holder)} "):
                    Lease(folder)


def test_it_is_free_again_when_its_process_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        next(holder.stdout)
        with pytest.raises(Conflict, match=f"process {holder.pid} on "):
            Lease(tmp_path)
        assert holder_of(tmp_path).startswith(f"process {holder.pid} on ")
        holder.kill()
        holder.wait()
        assert holder_of(tmp_path) == ""
        Lease(tmp_path).release()


def test_a_process_that_was_started_does_not_inherit_it(tmp_path: Path) -> None:
    lease = Lease(tmp_path)
    echo = [sys.executable, "-c", "print(flush=True); input()"]
    with subprocess.Popen(echo, stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False) as child:
        assert child.stdout is not None
        next(child.stdout)
        lease.release()
        Lease(tmp_path).release()
        child.communicate(b"\n")


def test_who_has_released_it_is_named_no_more(tmp_path: Path) -> None:
    lease = Lease(tmp_path)
    lease.release()
    lease.release()
    assert (tmp_path / "lock").read_text() == ""


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "reducer").write_text("a file")
    with pytest.raises(Unavailable, match="reducer"):
        Lease(tmp_path / "reducer")


def test_whoever_looks_makes_nothing(tmp_path: Path) -> None:
    assert holder_of(tmp_path / "none") == holder_of(tmp_path) == ""
    assert list(tmp_path.iterdir()) == []


def test_whoever_looks_keeps_nobody_out(tmp_path: Path) -> None:
    Lease(tmp_path).release()
    over, looks = threading.Event(), []

    def look() -> None:
        while not over.is_set():
            looks.append(holder_of(tmp_path))

    lookers = [threading.Thread(target=look) for _ in range(2)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(500):
            Lease(tmp_path, holder="the one").release()
    finally:
        over.set()
        for looker in lookers:
            looker.join()
    assert set(looks) <= {"", "the one", "another process"}
    assert len(looks) > 10
