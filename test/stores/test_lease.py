"""One writer per data folder."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fedn.errors import Conflict, Unavailable
from fedn.stores.lease import Lease

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
        holder.kill()
        holder.wait()
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


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "reducer").write_text("a file")
    with pytest.raises(Unavailable, match="reducer"):
        Lease(tmp_path / "reducer")
