"""Many clients in one process, for `rounds.py`: `fleet.py JOIN KIND COUNT FOLDER`, until it is killed.

KIND is `functions` (a Python function a client) or `package` (whatever package the network has).
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import numpy as np

from fedn.client.app import ClientApp
from fedn.client.functions import FunctionWork
from fedn.client.packages import PackageWork
from fedn.client.sources import RemoteSource
from fedn.client.work import Job, Work
from fedn.core.model import TaskKind
from fedn.rpc.discovery import reach
from fedn.rpc.http import Http
from fedn.security.join import JoinString


def train(model: dict[str, np.ndarray], task: Job) -> tuple[dict[str, np.ndarray], int]:
    return {name: array + 1 for name, array in model.items()}, 10


def work(kind: str, http: Http, name: str, folder: Path) -> Work:
    if kind == "functions":
        return FunctionWork({TaskKind.TRAIN: train})
    return PackageWork(
        RemoteSource(http, cache=folder / "cache"),
        client=name,
        folder=folder / name,
        environments=folder / "environments",
        data=None,
        task_seconds=600.0,
    )


async def main(join: str, kind: str, count: int, folder: Path) -> None:
    http = await reach(JoinString.parse(join))
    names = [f"{folder.name}-{number:04d}" for number in range(count)]
    apps = [
        ClientApp(http, work=work(kind, http, name, folder), name=name, preferred="", folder=folder) for name in names
    ]
    await asyncio.gather(*(app.run() for app in apps))


if __name__ == "__main__":
    folder = Path(sys.argv[4])
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), folder))
