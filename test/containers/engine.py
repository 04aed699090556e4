"""A container engine of this test's own, and images in place of those that can't be fetched.

Nothing of the machine's own engine is used, and nothing is left: state, socket and pid file are in one folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from waiting import DEADLINE

ROOT = Path(__file__).parents[2]
STANDIN = Path(__file__).parent / "standin"
CA_BUNDLE = Path("etc/ssl/certs/ca-certificates.crt")
BRIDGE = Path("/sys/class/net/docker0")
"""What every engine makes on the machine and leaves there, beside chains of packet filters."""
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
TOOLS = ("dockerd", "docker", "docker-compose", "debootstrap")
SERVERS = ("mongo:7.0", "minio/minio:RELEASE.2024-11-07T00-52-20Z")


def obstacle() -> str:
    """Why no engine can be started here; empty when nothing speaks against it."""
    if os.geteuid() != 0:
        return "a container engine of our own needs root"
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    missing = [tool for tool in TOOLS if not shutil.which(tool, path=path)]
    return f"not installed: {', '.join(missing)}" if missing else ""


class NoEngine(Exception):
    """The engine ended by itself, for the reason that it logged last: this machine won't let it run."""


@dataclass
class Engine:
    """A running engine; `compose` and `docker` speak to it alone."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    def docker(self, *words: str, seconds: float = 60) -> str:
        return self._run("docker", *words, seconds=seconds)

    def compose(self, *words: str, seconds: float = 300) -> str:
        return self._run("docker-compose", "--no-ansi", *words, seconds=seconds)

    def container(self, project: str, service: str, number: int = 1) -> str:
        """The id of a container."""
        labels = {"project": project, "service": service, "container-number": number}
        filters = [f"--filter=label=com.docker.compose.{name}={value}" for name, value in labels.items()]
        return self.docker("ps", "--all", "--quiet", *filters).strip()

    def inspect(self, what: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.docker("inspect", what))[0]
        return found

    def _run(self, *command: str, seconds: float) -> str:
        ran = subprocess.run(
            command, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False, timeout=seconds
        )
        assert ran.returncode == 0, f"{' '.join(command)}\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout


@contextlib.contextmanager
def engine(folder: Path) -> Iterator[Engine]:
    """An engine, until the block ends; then its containers, volumes and networks are gone, too.

    Raises:
        NoEngine: It can't run here.
    """
    socket_path = folder / "docker.sock"
    bridged = BRIDGE.exists()
    # An engine that finds forwarding off turns it on and drops whatever else would be forwarded, for other tests, too.
    try:
        FORWARDING.write_text("1\n")
    except OSError as error:
        raise NoEngine(f"{FORWARDING}: {error.strerror}") from error
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("FEDN_", "DOCKER_", "COMPOSE_"))}
    found = Engine(folder, {**kept, "PATH": path, "DOCKER_HOST": f"unix://{socket_path}", "DOCKER_BUILDKIT": "0"})
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *("dockerd", "--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")),
                *("--pidfile", str(folder / "docker.pid"), "--host", f"unix://{socket_path}"),
            ],
            env=found.env,
            stdout=log,
            stderr=log,
        )
    try:
        _answers(socket_path, process, folder / "log")
        yield found
    finally:
        with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
            left = found.docker("ps", "--all", "--quiet").split()
            _ = left and found.docker("rm", "--force", "--volumes", *left)
            found.docker("network", "prune", "--force")
        process.terminate()
        try:
            process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(DEADLINE)
        shutil.rmtree(folder / "data", ignore_errors=True)
        if not bridged and BRIDGE.exists() and shutil.which("ip", path=path):
            subprocess.run(["ip", "link", "delete", BRIDGE.name], env=found.env, check=True, timeout=60)


def _answers(socket_path: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the engine answers on its socket; the kernel says nothing of that, so it is tried."""
    end = time.monotonic() + DEADLINE
    while True:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(DEADLINE)
            probe.connect(str(socket_path))
            probe.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            if b"OK" in probe.recv(4096):
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
        if process.returncode is not None:
            raise NoEngine(log.read_text(errors="replace").strip().splitlines()[-1])
        assert time.monotonic() < end, log.read_text(errors="replace")[-3000:]


def import_base(found: Engine, name: str) -> None:
    """An image with a system's Python, made here, for no registry is asked.

    It knows the CAs that this machine trusts, and how its pip is set: the project's files say nothing of either.
    """
    root = found.folder / "base"
    command = ["debootstrap", "--variant=minbase", "--include=python3,python3-venv,ca-certificates", "bookworm", root]
    subprocess.run(command, env=found.env, check=True, capture_output=True, timeout=400)
    for rest in ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale"):
        shutil.rmtree(root / rest, ignore_errors=True)
    if (Path("/") / CA_BUNDLE).exists():
        shutil.copy(Path("/") / CA_BUNDLE, root / CA_BUNDLE)
    (root / "etc" / "pip.conf").write_text(_pip_settings())
    with subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE) as tar:
        subprocess.run(
            ["docker", "import", "-", name],
            env=found.env,
            stdin=tar.stdout,
            check=True,
            capture_output=True,
            timeout=200,
        )
    assert tar.returncode == 0
    shutil.rmtree(root)


def build_standins(found: Engine, base: str) -> None:
    """Images by the names of MongoDB's and MinIO's."""
    requirements = " ".join(f"{name}=={version(name)}" for name in ("secantusdb", "nanio"))
    tags = [word for name in SERVERS for word in ("--tag", name)]
    arguments = ["--build-arg", f"BASE={base}", "--build-arg", f"REQUIREMENTS={requirements}"]
    found.docker("build", "--quiet", *arguments, *tags, str(STANDIN), seconds=300)


def _pip_settings() -> str:
    """This machine's settings of pip, but for what lies in its files."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    wanted = {"index-url", "trusted-host", "proxy", "timeout", "default-timeout"}
    lines = ["[global]", f"cert = /{CA_BUNDLE}"]
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        name = key.rpartition(".")[2]
        if name in wanted and "file:" not in value:
            lines.append(f"{name} = {value.strip(chr(39))}")
    return "\n".join(lines) + "\n"
