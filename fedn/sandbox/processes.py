"""The roles of a sandbox, each a process of its own, and the promise that none of them is left.

Every process leads a session of its own, so that a terminal's Ctrl-C reaches the sandbox alone, which then stops them
in order. Each holds an end of one pipe; should the sandbox be killed, they see the other end close (`--parent-pipe`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from fedn.errors import FednError, TrainingFailed, Unavailable
from fedn.package.environment import child_environ
from fedn.rpc.retry import backoff

T = TypeVar("T")

STOP_SECONDS = 10.0
"""How long processes may take to stop by themselves."""

SIGNAL_SECONDS = 1.0
"""How long a signal goes unheard that comes just before a wait: Python hears of it only between waits, then."""

ORDER = ("client", "combiner", "reducer")
"""Who is stopped before whom."""


@dataclass(frozen=True)
class _Running:
    role: str
    name: str
    process: subprocess.Popen[bytes]
    log: Path
    begins: int
    """Where this run begins in its log, to which others wrote before."""

    def last_words(self) -> tuple[str, str]:
        """Why it says it ended, and what to do."""
        with self.log.open("rb") as file:
            file.seek(self.begins)
            lines = file.read().decode(errors="replace").strip().splitlines()
        reasons = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
        hints = [line.removeprefix("hint: ") for line in lines if line.startswith("hint: ")]
        reason = reasons[-1] if reasons else "\n".join(["it ended without a reason", *lines[-5:]])
        return reason, hints[-1] if hints else f"see {self.log}"


class Processes:
    """Starts roles and stops them all; use it in a `with` block.

    Args:
        logs: Folder of their logs, a file each, `ROLE-NAME.log`.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: list[_Running] = []
        self._death = threading.Event()
        self._pipe = os.pipe()

    def start(self, role: str, name: str, *words: str) -> None:
        """Start `fedn run ROLE` with further words."""
        self._logs.mkdir(parents=True, exist_ok=True)
        log = self._logs / f"{name}.log"
        command = [sys.executable, "-m", "fedn", "run", role, "--parent-pipe", str(self._pipe[0]), *words]
        with log.open("ab") as output:
            begins = output.tell()
            process = subprocess.Popen(
                command,
                env=child_environ(Path(sys.executable)),  # settings in the environment are for others
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=[self._pipe[0]],
            )
        self._running.append(_Running(role, name, process, log, begins))
        threading.Thread(target=self._mourn, args=(process,), daemon=True).start()

    def check(self, *, grace: float = 0.0) -> None:
        """Raise TrainingFailed when a process has ended that shouldn't have, with its last words.

        Args:
            grace: Seconds to wait for one to end: what breaks its connections it outlives by a moment.
        """
        self._death.wait(grace)
        for one in self._running:
            if one.process.poll() is not None:
                reason, hint = one.last_words()
                raise TrainingFailed(f"{one.name} ended (exit status {one.process.returncode}): {reason}", hint=hint)

    def until(self, attempt: Callable[[], T], *, seconds: float) -> T:
        """Call `attempt` until it raises nothing, or raise what it raised last when `seconds` are over.

        Raises:
            TrainingFailed: A process ended meanwhile.
        """
        end = time.monotonic() + seconds
        for delay in backoff(first=0.05, longest=0.5):
            self.check()
            try:
                return attempt()
            except FednError:
                if time.monotonic() + delay > end:
                    raise
            self._death.wait(delay)
        raise AssertionError("backoff never ends")

    def wait(self) -> None:
        """Wait until a process ends, and raise TrainingFailed as `check` does."""
        while not self._death.wait(SIGNAL_SECONDS):
            pass
        self.check()

    def stop(self) -> None:
        """Stop the roles in `ORDER`: ask, wait, and kill what is left."""
        for role in ORDER:
            running = [one.process for one in self._running if one.role == role]
            for process in running:
                process.terminate()
            end = time.monotonic() + STOP_SECONDS
            for process in running:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, end - time.monotonic()))
            for process in running:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
        self._running.clear()
        for end_of_pipe in self._pipe:
            os.close(end_of_pipe)

    def _mourn(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        self._death.set()


def pending(what: str) -> Unavailable:
    """What an attempt raises that has to be made again."""
    return Unavailable(what, hint="see the logs in the data folder")
