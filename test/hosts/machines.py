"""Hosts for tests: each has a network, a host name and a list of known hosts of its own, and wires between them.

A host is a set of namespaces that one process holds. That ends with this process, however this one ends, and the
namespaces with it: nothing is left, and the machine's own network is never touched.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from processes import Process
from waiting import DEADLINE

from fedn.package.environment import child_environ

WIRE = Path(__file__).with_name("wire.py")
NEEDED = ("unshare", "nsenter", "setpriv", "ip", "nft")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
ENVIRON = {**child_environ(Path(sys.executable)), "LC_ALL": "C.UTF-8"}
ENVIRON["PATH"] = f"{ENVIRON.get('PATH', '')}:/usr/sbin:/sbin"


def why_not() -> str:
    """Why hosts can't be made here; empty where they can."""
    if missing := [name for name in NEEDED if not shutil.which(name, path=PATH)]:
        return f"hosts of their own need {', '.join(missing)} (Debian: util-linux, iproute2, nftables)"
    if os.geteuid() != 0:
        return "hosts of their own need root"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "hosts of their own need /dev/net/tun"
    tried = subprocess.run(
        ["unshare", "--net", "--uts", "--mount", "nft", "add", "table", "inet", "fedn"],
        env=ENVIRON, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return f"hosts of their own can't be made: {tried.stderr.strip()}" if tried.returncode else ""


@dataclass(frozen=True)
class Port:
    """Where a host meets a network.

    Args:
        address: With the length of its prefix.
        seconds: That a frame takes between the host and the middle of the network.
        loss: Share of the frames that get lost there.
    """

    host: str
    address: str
    network: str = "world"
    seconds: float = 0.0
    loss: float = 0.0

    @property
    def ip(self) -> str:
        return self.address.partition("/")[0]


@dataclass
class Host:
    """One host. Commands run on it see its network, its name, and files of the machine."""

    name: str
    holder: subprocess.Popen[str]
    started: list[Process]
    """What runs on the hosts of a network, in the order in which it was started."""

    def command(self, *words: str) -> list[str]:
        return ["nsenter", "--target", str(self.holder.pid), "--net", "--uts", "--mount", "--", *words]

    def run(self, *words: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        done = subprocess.run(
            self.command(*words),
            input=stdin,
            env=ENVIRON,
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE,
        )
        assert not check or done.returncode == 0, f"{self.name}: {' '.join(words)}\n{done.stdout}{done.stderr}"
        return done

    def python(self, code: str, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-c", code, *words, check=check)

    def fedn(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "fedn", *words, check=check)

    async def start(self, *words: str) -> Process:
        """Start a command that `Network` stops in the end, and the system should this process be killed."""
        ends_with_us = ("setpriv", "--pdeathsig", "KILL")
        process = Process(
            await asyncio.create_subprocess_exec(
                *self.command(*ends_with_us, *words),
                env=ENVIRON,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
        )
        self.started.append(process)
        return process

    async def role(self, role: str, *words: str) -> Process:
        """Start `fedn run ROLE`."""
        return await self.start(sys.executable, "-m", "fedn", "run", role, *words)

    def let_nobody_in(self) -> None:
        """Drop all that wasn't asked for from here."""
        self.run("nft", "-f", "-", stdin=CLOSED)

    def route_for(self, inner: str) -> None:
        """Pass on what hosts of the network `inner` (its prefix) send, under the own address."""
        self.python("open('/proc/sys/net/ipv4/ip_forward', 'w').write('1')")
        self.run("nft", "-f", "-", stdin=MASQUERADE % inner)

    def tries(self, host: str, port: int) -> str:
        """`open`, or why a connection from here doesn't come about."""
        return self.python(TRY, host, str(port)).stdout.strip()


CLOSED = """
table inet fedn {
    chain input {
        type filter hook input priority 0; policy drop;
        iif lo accept
        ct state established,related accept
    }
}
"""
MASQUERADE = """
table ip fedn {
    chain out {
        type nat hook postrouting priority 100;
        ip saddr %s masquerade
    }
}
"""
TRY = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 2.0).close()
    print("open")
except OSError as error:
    print(type(error).__name__)
"""


class Network:
    """Hosts, and the wires between them. Use it in an `async with` block.

    Args:
        ports: One or more of each host.
        names: Host name → address, which all hosts know.
        gateways: Host → address that it sends to what is not in its networks.
    """

    def __init__(self, folder: Path, ports: Sequence[Port], *, names: dict[str, str], gateways: dict[str, str]) -> None:
        self.hosts: dict[str, Host] = {}
        self.started: list[Process] = []
        self._folder = folder
        self._ports = ports
        self._names = names
        self._gateways = gateways
        self._stack = contextlib.ExitStack()

    async def __aenter__(self) -> Network:
        try:
            self._build()
        except BaseException:
            self._stack.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self.stop()
        finally:
            self._stack.close()

    async def stop(self, *, but: int = 0) -> None:
        """Stop what was started, the last one first, and leave the first ones."""
        while len(self.started) > but:
            await self.started.pop().stop()

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]

    def cut(self, name: str) -> None:
        """Pull the plug of a host. Neither side is told."""
        self._tell("cut", name)

    def mend(self, name: str) -> None:
        self._tell("mend", name)

    def _tell(self, verb: str, name: str) -> None:
        for index, port in enumerate(self._ports):
            if port.host == name:
                self._wire.stdin.write(f"{verb} port{index}\n")  # type: ignore[union-attr]
                self._wire.stdin.flush()  # type: ignore[union-attr]
                assert self._wire.stdout.readline() == f"{verb} port{index}\n"  # type: ignore[union-attr]

    def _build(self) -> None:
        known = self._folder / "hosts"
        known.write_text("127.0.0.1 localhost\n" + "".join(f"{ip} {name}\n" for name, ip in self._names.items()))
        for name in dict.fromkeys(port.host for port in self._ports):
            hold = 'mount --bind "$0" /etc/hosts && hostname "$1" && ip link set lo up && echo up && exec cat'
            words = ("unshare", "--net", "--uts", "--mount", "sh", "-c", hold, str(known), name)
            self.hosts[name] = Host(name, self._stack.enter_context(_held(words, "up")), self.started)
        plugs = [f"port{index}:{one.network}:{one.seconds}:{one.loss}" for index, one in enumerate(self._ports)]
        self._wire = self._stack.enter_context(_held(("unshare", "--net", sys.executable, str(WIRE), *plugs), "ready"))
        for index, port in enumerate(self._ports):
            self._plug_in(port, f"port{index}")
        for name, gateway in self._gateways.items():
            self.hosts[name].run("ip", "route", "add", "default", "via", gateway)

    def _plug_in(self, port: Port, device: str) -> None:
        host, wire = self.hosts[port.host], ("nsenter", "--target", str(self._wire.pid), "--net")
        move = [*wire, "ip", "link", "set", device, "netns", str(host.holder.pid)]
        subprocess.run(move, env=ENVIRON, check=True, timeout=DEADLINE)
        host.run("ip", "address", "add", port.address, "dev", device)
        host.run("ip", "link", "set", device, "up")


@contextlib.contextmanager
def _held(words: Sequence[str], ready: str) -> Iterator[subprocess.Popen[str]]:
    """A process that ends when its input does."""
    process = subprocess.Popen(
        words, env=ENVIRON, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        said = process.stdout.readline()  # type: ignore[union-attr]
        assert said == f"{ready}\n", f"{words[-1]} said {said!r}"
        yield process
    finally:
        process.communicate(timeout=DEADLINE)
