"""What passes through a combiner reaches those who watch."""

from __future__ import annotations

import asyncio

from waiting import within

from fedn.combiner import broadcast
from fedn.combiner.broadcast import Broadcast, Broadcasts
from fedn.proto import fedn_pb2 as pb


def status(text: object) -> pb.Status:
    return pb.Status(status=str(text))


async def read(watch: object) -> list[str]:
    return [message.status async for message in watch]  # type: ignore[attr-defined]


async def begun(statuses: Broadcast[pb.Status], *names: str) -> list[asyncio.Task[list[str]]]:
    """Watchers that are there."""
    tasks = [asyncio.create_task(read(statuses.watch(name))) for name in names]
    await asyncio.sleep(0)  # each goes on to where it waits
    assert statuses.names == sorted(names)
    return tasks


async def test_each_who_watches_gets_what_is_sent_from_then_on() -> None:
    statuses = Broadcast[pb.Status]()
    statuses.send(status("before"))
    watching = await begun(statuses, "ada", "ben")
    assert statuses.names == ["ada", "ben"]
    for text in ("one", "two"):
        statuses.send(status(text))
    statuses.close()
    assert await within(asyncio.gather(*watching)) == [["one", "two"]] * 2
    assert statuses.names == []
    assert await within(read(statuses.watch("late"))) == []


async def test_what_waits_has_a_size_too_and_the_newest_waits_whatever_it_is() -> None:
    statuses = Broadcast[pb.Status]()
    (watching,) = await begun(statuses, "slow")
    for letter in "abc":
        statuses.send(status(letter * (broadcast.KEPT_BYTES // 2)))
    statuses.send(status("small"))
    statuses.close()
    assert [text[0] for text in await within(watching)] == ["c", "s"]
    statuses = Broadcast[pb.Status]()
    (watching,) = await begun(statuses, "slow")
    for letter in "ab":
        statuses.send(status(letter * (broadcast.KEPT_BYTES + 1)))
    statuses.close()
    assert [text[0] for text in await within(watching)] == ["b"]


async def test_one_that_reads_slowly_loses_the_oldest() -> None:
    statuses = Broadcast[pb.Status]()
    (watching,) = await begun(statuses, "slow")
    for number in range(broadcast.KEPT + 3):
        statuses.send(status(number))
    statuses.close()
    texts = await within(watching)
    assert (texts[0], texts[-1], len(texts)) == ("3", str(broadcast.KEPT + 2), broadcast.KEPT)


async def test_one_that_leaves_is_forgotten() -> None:
    statuses = Broadcast[pb.Status]()
    (watching,) = await begun(statuses, "ada")
    watching.cancel()
    await asyncio.wait([watching])
    assert statuses.names == []


async def test_all_kinds_are_closed_together() -> None:
    broadcasts = Broadcasts()
    broadcasts.close()
    for one in (broadcasts.updates, broadcasts.validations, broadcasts.statuses):
        assert await within(read(one.watch("ada"))) == []
