from __future__ import annotations

import threading

import pytest

from fedn.reducer.feed import BACKLOG, Feed, Notice, Subscription


def drain(subscription: Subscription) -> list[str]:
    """The kinds of all notices up to the end."""
    kinds = []
    with pytest.raises(EOFError):
        while (notice := subscription.get(seconds=0)) is not None:
            kinds.append(notice.kind)
    return kinds


def test_everybody_is_told_everything_from_when_they_subscribed() -> None:
    feed = Feed()
    feed.publish(Notice("too early"))
    with feed.subscribe() as one:
        feed.publish(Notice("first", "session", {"number": 1}))
        with feed.subscribe() as other:
            feed.publish(Notice("second"))
            assert one.get(seconds=0) == Notice("first", "session", {"number": 1})
            assert [subscription.get(seconds=0) for subscription in (one, other)] == [Notice("second")] * 2
            assert one.get(seconds=0) is None
        feed.publish(Notice("third"))
        assert other.get(seconds=0) is None


def test_what_waits_is_taken_out_while_nobody_publishes() -> None:
    feed = Feed()
    with feed.subscribe() as subscription:
        for kind in ("first", "second"):
            feed.publish(Notice(kind))
        with feed.still():
            late = threading.Thread(target=feed.publish, args=(Notice("late"),))
            late.start()
            assert [notice.kind for notice in subscription.waiting()] == ["first", "second"]
            assert subscription.waiting() == []
        late.join()
        assert subscription.get(seconds=0) == Notice("late")
        feed.close()
        with pytest.raises(EOFError):
            subscription.waiting()


def test_who_waits_is_woken() -> None:
    feed = Feed()
    with feed.subscribe() as subscription:
        threading.Timer(0.01, feed.publish, (Notice("news"),)).start()
        assert subscription.get(seconds=30) == Notice("news")


def test_closing_ends_every_subscription() -> None:
    feed = Feed()
    with feed.subscribe() as one, feed.subscribe() as other:
        feed.publish(Notice("last"))
        feed.close()
        feed.publish(Notice("too late"))
        assert drain(one) == drain(other) == ["last"]


def test_one_that_is_too_slow_is_cut_off_and_holds_up_nobody() -> None:
    feed = Feed()
    with feed.subscribe() as slow, feed.subscribe() as quick:
        for number in range(BACKLOG + 1):
            feed.publish(Notice(str(number)))
            assert quick.get(seconds=0) == Notice(str(number))
        feed.publish(Notice("after"))
        assert quick.get(seconds=0) == Notice("after")
        assert drain(slow) == [str(number) for number in range(1, BACKLOG)]


def test_closing_ends_one_whose_queue_is_full() -> None:
    feed = Feed()
    with feed.subscribe() as slow:
        for number in range(BACKLOG):
            feed.publish(Notice(str(number)))
        feed.close()
        assert len(drain(slow)) == BACKLOG - 1


def test_a_listener_has_every_notice_before_the_subscribers() -> None:
    feed = Feed()
    heard: list[tuple[str, bool]] = []
    with feed.subscribe() as subscription:
        unlisten = feed.listen(lambda notice: heard.append((notice.kind, subscription.get(seconds=0) is None)))
        feed.publish(Notice("first"))
        assert subscription.get(seconds=0) == Notice("first")
        feed.publish(Notice("second"))
        unlisten()
        feed.publish(Notice("third"))
    assert heard == [("first", True), ("second", True)]
