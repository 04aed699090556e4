from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from byhand import Desk, Peer
from loopback import Federation

Join = Callable[..., Awaitable[list[Peer]]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Federation]:
    """A reducer and a combiner, for the tests of a file that leave them as they are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fedn.reducer.combiners.POLICY_SECONDS", math.inf)  # tests tell it policies by hand
        async with Federation(tmp_path_factory.mktemp("federation")) as federation:
            yield federation


@pytest_asyncio.fixture(loop_scope="module")
async def desk(network: Federation) -> AsyncIterator[Desk]:
    """The reducer's side of the combiner, by hand."""
    async with network.desk() as desk:
        yield desk


@pytest_asyncio.fixture(loop_scope="module")
async def join(network: Federation) -> AsyncIterator[Join]:
    """Connects clients by hand."""
    async with AsyncExitStack() as stack:

        async def connect(*names: str) -> list[Peer]:
            peers = [await stack.enter_async_context(network.peer(name)) for name in names]
            for peer in peers:
                await peer.connect()
            return peers

        yield connect
