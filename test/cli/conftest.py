from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from federation import Federation, federation
from servers import mongo, network_id, s3

from fedn.cli.main import main

__all__ = ["mongo", "network_id", "s3"]


@dataclass(frozen=True)
class Ran:
    """What a command line did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Fedn = Callable[..., Ran]


@pytest.fixture
def fedn(capsys: pytest.CaptureFixture[str]) -> Fedn:
    """Runs a command line in this process."""

    def run(*words: object) -> Ran:
        capsys.readouterr()
        status = main([str(word) for word in words])
        return Ran(status, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    """A reducer and a combiner, for the commands that talk to one."""
    with federation(tmp_path_factory.mktemp("federation")) as running:
        yield running
