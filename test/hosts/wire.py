"""Wires between hosts that take their time and lose some of what they carry; a program of its own.

    python wire.py PORT:NETWORK:SECONDS:LOSS …

Every PORT becomes a TAP device here, to be moved to its host. What comes in at one goes to the others of its NETWORK as
a switch would pass it on: after the SECONDS of both ports, and but for a share of LOSS at each. It says `ready`; a line
`cut PORT` of its input pulls a plug, `mend PORT` puts it back, and it ends with its input.
"""

from __future__ import annotations

import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time
from dataclasses import dataclass

TUNSETIFF = 0x400454CA
IFF_TAP_NO_PI = 0x1002
FRAME = 65_536


@dataclass
class Port:
    name: str
    network: str
    seconds: float
    loss: float
    device: int
    plugged: bool = True

    @classmethod
    def open(cls, text: str) -> Port:
        name, network, seconds, loss = text.split(":")
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP_NO_PI))
        return cls(name, network, float(seconds), float(loss), device)


class Switch:
    """Passes frames on between ports."""

    def __init__(self, ports: list[Port]) -> None:
        self._ports = ports
        self._by_device = {port.device: port for port in ports}
        self._by_address: dict[bytes, Port] = {}
        self._under_way: list[tuple[float, int, Port, bytes]] = []
        self._count = 0
        self._chance = random.Random(77)  # the same losses in every run, as far as the frames are the same

    def run(self) -> None:
        poll = select.epoll()
        for device in self._by_device:
            poll.register(device, select.EPOLLIN)
        poll.register(sys.stdin.fileno(), select.EPOLLIN | select.EPOLLHUP)
        while True:
            wait = max(0.0, self._under_way[0][0] - time.monotonic()) if self._under_way else None
            for device, _ in poll.poll(wait):
                if port := self._by_device.get(device):
                    self._take(port)
                elif not self._obey():
                    return
            self._deliver()

    def _obey(self) -> bool:
        words = os.read(sys.stdin.fileno(), FRAME).decode().split()
        for verb, name in zip(words[::2], words[1::2], strict=True):
            next(port for port in self._ports if port.name == name).plugged = verb == "mend"
            print(verb, name, flush=True)
        return bool(words)

    def _take(self, source: Port) -> None:
        frame = os.read(source.device, FRAME)
        target, address = frame[:6], frame[6:12]
        self._by_address[address] = source
        known = self._by_address.get(target)
        others = [port for port in self._ports if port.network == source.network and port is not source]
        for port in [known] if known in others else others:
            if self._chance.random() >= source.loss + port.loss and source.plugged:
                due = time.monotonic() + source.seconds + port.seconds
                self._count += 1
                heapq.heappush(self._under_way, (due, self._count, port, frame))

    def _deliver(self) -> None:
        while self._under_way and self._under_way[0][0] <= time.monotonic():
            _, _, port, frame = heapq.heappop(self._under_way)
            if port.plugged:
                try:
                    os.write(port.device, frame)
                except OSError:
                    continue  # its host is not up, or no more


if __name__ == "__main__":
    switch = Switch([Port.open(text) for text in sys.argv[1:]])
    print("ready", flush=True)
    switch.run()
