from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from byhand import Desk
from legacy.frozen import write_stubs
from legacy.network import Network
from legacy.old import Old, assign
from loopback import Federation


@pytest.fixture(scope="session")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wire of 2021 as Python modules."""
    folder = tmp_path_factory.mktemp("stubs")
    write_stubs(folder)
    return folder


@pytest.fixture
async def network(tmp_path: Path, stubs: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Network]:
    """A reducer that lets in clients of 2021. So do combiners that are started here."""
    monkeypatch.setenv("FEDN_LEGACY_CLIENTS", "true")
    async with Network(tmp_path, stubs) as network:
        yield network


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Federation]:
    """Within this process, for clients by hand: two combiners; `old` and `older` were assigned to c0."""
    folder = tmp_path_factory.mktemp("federation")
    async with Federation(folder, combiners=2, combiner={"legacy_clients": True}, legacy_clients=True) as federation:
        for name in ("old", "older"):
            await assign(federation, name)
        yield federation


@pytest_asyncio.fixture(loop_scope="module")
async def desk(here: Federation) -> AsyncIterator[Desk]:
    """The reducer's side of c0."""
    async with here.desk() as desk:
        yield desk


@pytest_asyncio.fixture(loop_scope="module")
async def old(here: Federation) -> AsyncIterator[Old]:
    """A client of 2021 at c0."""
    async with AsyncExitStack() as stack:
        yield await Old.connect(here, stack, "old")
