"""Files on their way through a combiner: the spool by itself."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from fedn.combiner import spool as module
from fedn.combiner.spool import Spool, Staged
from fedn.core.model import File
from fedn.errors import Corrupt, InvalidUpdate, NotFound, StaleRevision, TooLarge
from fedn.security.digest import sha256_bytes

pytestmark = pytest.mark.asyncio(loop_scope="module")

DATA = bytes(range(256)) * 40


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", limit=100_000)


def file_of(data: bytes, name: str = "model") -> File:
    return File(name, len(data), sha256_bytes(data))


def bringing(data: bytes) -> module.Fetch:
    async def fetch(target: Path) -> None:
        await asyncio.to_thread(target.write_bytes, data)

    return fetch


async def never(_: Path) -> None:
    raise AssertionError("nothing was to be fetched")


async def begun(spool: Spool, data: bytes, *, total: int | None = None, sha256: str | None = None) -> module.Upload:
    """An upload to which all of `data` was added."""
    total = len(data) if total is None else total
    sha256 = sha256_bytes(data) if sha256 is None else sha256
    upload = await spool.begin("client", "u", total=total, sha256=sha256, offset=0)
    await spool.append(upload, data, at=0)
    return upload


def files(spool: Spool) -> list[Path]:
    return list(spool.new_path().parent.iterdir())


async def test_a_model_is_fetched_once_however_many_ask(spool: Spool) -> None:
    fetched = 0

    async def fetch(target: Path) -> None:
        nonlocal fetched
        fetched += 1
        await asyncio.to_thread(target.write_bytes, DATA)

    staged = await asyncio.gather(*(spool.stage(file_of(DATA), data=b"", fetch=fetch) for _ in range(5)))
    assert fetched == 1
    assert {one.content.read_bytes() for one in staged if isinstance(one.content, Path)} == {DATA}
    assert spool.newest_model == "model"
    with pytest.raises(NotFound, match="no model other"):
        spool.staged("other")


async def test_a_model_that_came_along_is_not_fetched(spool: Spool) -> None:
    staged = await spool.stage(file_of(DATA), data=DATA, fetch=never)
    assert staged.content == DATA
    assert not files(spool)


async def test_a_model_that_could_not_be_fetched_is_not_staged(spool: Spool) -> None:
    async def fetch(target: Path) -> None:
        await asyncio.to_thread(target.write_bytes, DATA[:-1])
        raise Corrupt("not what it was to be")

    with pytest.raises(Corrupt, match="not what it was to be"):
        await spool.stage(file_of(DATA), data=b"", fetch=fetch)
    assert not files(spool)
    assert (await spool.stage(file_of(DATA), data=b"", fetch=bringing(DATA))).file == file_of(DATA)


async def test_only_the_last_models_are_kept(spool: Spool) -> None:
    for number in range(10):
        await spool.stage(file_of(DATA, f"m{number}"), data=b"", fetch=bringing(DATA))
    assert len(files(spool)) == module.KEPT_MODELS
    assert spool.staged("m9").file.id == "m9"
    with pytest.raises(NotFound):
        spool.staged("m0")


async def test_what_is_offered_is_served_until_it_is_dropped(spool: Spool) -> None:
    path = spool.new_path()
    path.write_bytes(DATA)
    spool.offer(Staged(file_of(DATA, "partial"), path))
    assert spool.staged("partial", partials=True).content == path
    await spool.drop("partial")
    await spool.drop("partial")
    assert not files(spool)


async def test_what_a_crash_left_is_swept_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "old").write_bytes(DATA)
    assert not files(Spool(tmp_path / "spool", limit=1))


async def test_an_upload_is_whole_when_it_is_what_was_announced(spool: Spool) -> None:
    upload = await begun(spool, DATA)
    with pytest.raises(InvalidUpdate, match="was not uploaded"):
        spool.take("client", "u")
    await spool.finish(upload)
    held = spool.held("client", "u")
    assert held is not None
    assert (held.whole, held.held, held.sha256) == (True, len(DATA), sha256_bytes(DATA))
    with pytest.raises(StaleRevision):
        await spool.append(upload, b"", at=len(DATA))
    taken = spool.take("client", "u")
    assert taken.path.read_bytes() == DATA
    with pytest.raises(InvalidUpdate):
        spool.take("client", "u")
    taken.delete()
    assert not files(spool)


async def test_an_upload_without_announcement_is_taken_as_it_comes(spool: Spool) -> None:
    upload = await begun(spool, DATA, total=0, sha256="")
    await spool.finish(upload)
    assert (upload.total, upload.sha256) == (len(DATA), sha256_bytes(DATA))


@pytest.mark.parametrize("announced", [{"total": len(DATA) + 1}, {"sha256": "0" * 64}])
async def test_an_upload_that_is_something_else_is_discarded(spool: Spool, announced: dict) -> None:
    upload = await begun(spool, DATA, **announced)
    with pytest.raises(Corrupt, match="not what was announced"):
        await spool.finish(upload)
    assert spool.held("client", "u") is None
    assert not files(spool)


async def test_an_upload_that_is_longer_than_announced_is_discarded(spool: Spool) -> None:
    with pytest.raises(Corrupt, match="longer than the 100 bytes announced"):
        await begun(spool, DATA, total=100)
    assert not files(spool)


async def test_a_cut_upload_goes_on_where_it_stopped(spool: Spool) -> None:
    upload = await spool.begin("client", "u", total=len(DATA), sha256=sha256_bytes(DATA), offset=0)
    await spool.append(upload, DATA[:1000], at=0)
    again = await spool.begin("client", "u", total=len(DATA), sha256=sha256_bytes(DATA), offset=1000)
    await spool.append(again, DATA[1000:], at=1000)
    await spool.finish(again)
    assert spool.take("client", "u").path.read_bytes() == DATA


async def test_of_two_streams_of_one_file_one_is_turned_away(spool: Spool) -> None:
    former = await spool.begin("client", "u", total=len(DATA), sha256=sha256_bytes(DATA), offset=0)
    await spool.append(former, DATA[:1000], at=0)
    newer = await spool.begin("client", "u", total=len(DATA), sha256=sha256_bytes(DATA), offset=1000)
    await spool.append(newer, DATA[1000:2000], at=1000)
    with pytest.raises(StaleRevision, match="does not go on at byte 1000"):
        await spool.append(former, DATA[1000:3000], at=1000)
    await spool.append(newer, DATA[2000:], at=2000)
    await spool.finish(newer)
    assert spool.take("client", "u").path.read_bytes() == DATA


async def test_an_upload_that_starts_anew_replaces_the_former(spool: Spool) -> None:
    former = await begun(spool, DATA)
    newer = await begun(spool, DATA[::-1])
    with pytest.raises(StaleRevision):
        await spool.append(former, b"x", at=len(DATA) - 1)
    with pytest.raises(Corrupt):
        await spool.finish(former)
    await spool.finish(newer)
    assert len(files(spool)) == 1
    assert spool.take("client", "u").path.read_bytes() == DATA[::-1]


async def test_nothing_goes_on_that_is_not_held(spool: Spool) -> None:
    with pytest.raises(StaleRevision, match="nothing is held of upload u"):
        await spool.begin("client", "u", total=10, sha256="", offset=5)


async def test_uploads_share_the_room_there_is(spool: Spool) -> None:
    await spool.begin("one", "u", total=60_000, sha256="", offset=0)
    with pytest.raises(TooLarge, match="room for 40000"):
        await spool.begin("other", "u", total=60_000, sha256="", offset=0)
    await spool.begin("one", "u", total=90_000, sha256="", offset=0)  # in place of its former
    await spool.discard("one", "u")
    unannounced = await spool.begin("other", "u", total=0, sha256="", offset=0)
    await spool.append(unannounced, b"x" * 90_000, at=0)
    with pytest.raises(TooLarge, match="room for 10000"):
        await spool.append(unannounced, b"x" * 20_000, at=90_000)


async def test_uploads_that_nothing_happens_to_are_given_up(spool: Spool) -> None:
    upload = await begun(spool, DATA)
    await spool.sweep()
    assert spool.held("client", "u") is upload
    upload.touched = time.monotonic() - module.IDLE_SECONDS - 1
    await spool.sweep()
    assert spool.held("client", "u") is None
    assert not files(spool)


# --- as clients call it
