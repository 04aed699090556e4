"""The artifact store on an S3 service over lines that break or are slow, and with sources that fail."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from contract.artifact_store import CONTENTS, MODELS, Spoiled, stored
from proxy import Proxy
from waiting import within

from fedn.config import S3Settings
from fedn.errors import Corrupt, Unavailable
from fedn.stores.s3 import S3ArtifactStore

if sys.version_info < (3, 11):
    pytest.skip("the S3 server of the tests needs Python 3.11", allow_module_level=True)

LARGE = CONTENTS[-1] * 6
"""Three parts."""


@pytest.fixture
def store(s3: S3Settings, network_id: str) -> Iterator[S3ArtifactStore]:
    with contextlib.closing(S3ArtifactStore(s3, network_id=network_id)) as store:
        yield store


def unfinished(store: S3ArtifactStore) -> list[str]:
    """Uploads in parts of this network that the service still holds."""
    found = store._client._list_multipart_uploads("fedn-models").uploads
    return [one.object_name for one in found if one.object_name.startswith(store._prefix)]


async def through(proxy: Proxy, s3: S3Settings, store: S3ArtifactStore) -> S3ArtifactStore:
    """The same store over another line."""
    network_id = store._prefix.rstrip("/")
    return await asyncio.to_thread(S3ArtifactStore, replace(s3, port=proxy.port), network_id=network_id)


@pytest.mark.parametrize("how", ["stream", "read"])
async def test_a_download_that_is_cut_is_never_short(s3: S3Settings, store: S3ArtifactStore, how: str) -> None:
    store.put(MODELS, "m", LARGE)
    async with Proxy(s3.port) as proxy:
        far = await through(proxy, s3, store)

        def fetch() -> bytes:
            if how == "read":
                return far.read(MODELS, "m")
            with far.open(MODELS, "m") as stream:
                return b"".join(iter(lambda: stream.read(1 << 18), b""))

        assert await within(asyncio.to_thread(fetch)) == LARGE
        proxy.cut_after = proxy.passed + len(LARGE) // 2
        with pytest.raises(Unavailable, match=f"127.0.0.1:{proxy.port}"):
            await within(asyncio.to_thread(fetch))
        assert await within(asyncio.to_thread(fetch)) == LARGE
        far.close()


async def test_an_upload_that_is_cut_once_is_made_whole(s3: S3Settings, store: S3ArtifactStore, tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(LARGE)
    async with Proxy(s3.port) as proxy:
        far = await through(proxy, s3, store)
        proxy.cut_after = proxy.passed + len(LARGE) // 2
        with contextlib.suppress(Unavailable):
            await within(asyncio.to_thread(far.put, MODELS, "m", tmp_path / "model"))
            assert store.read(MODELS, "m") == LARGE
        assert proxy.cut_after is None
        assert await within(asyncio.to_thread(far.put, MODELS, "m", tmp_path / "model")) == stored(LARGE)
        far.close()
    assert store.read(MODELS, "m") == LARGE


def test_what_fails_after_its_first_parts_leaves_none_of_them(store: S3ArtifactStore) -> None:
    store.put(MODELS, "m", b"old")
    with pytest.raises(RuntimeError, match="gone"):
        store.put(MODELS, "m", Spoiled(LARGE, RuntimeError("gone")))
    with pytest.raises(Corrupt):
        store.put(MODELS, "m", BytesIO(LARGE), sha256=stored(b"else").sha256)
    assert unfinished(store) == []
    assert store.read(MODELS, "m") == b"old"
