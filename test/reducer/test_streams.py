from __future__ import annotations

import pytest

from fedn.errors import Unavailable
from fedn.reducer.feed import Feed, Notice
from fedn.reducer.streams import LIMIT, LOGIN_LIMIT, Watchers, everything


def test_a_watcher_s_place_is_free_again_when_its_response_is_closed_even_unread() -> None:
    watchers = Watchers(Feed())
    for number in range(2 * LIMIT):
        watchers.stream(everything, login=str(number % 3)).close()


def test_a_login_has_a_few_places_and_its_newest_streams_keep_them() -> None:
    feed = Feed()
    watchers = Watchers(feed)
    others = watchers.stream(everything)
    streams = [watchers.stream(everything, login="a") for _ in range(LOGIN_LIMIT + 2)]
    for left in streams[:2]:
        assert list(left.response) == [": watching\n\n"]
        left.close()
    feed.publish(Notice("network"))
    watchers.close()
    for one in (others, *streams[2:]):
        assert list(one.response)[1:] == ["event: network\ndata: {}\n\n"]
        one.close()


def test_no_stream_begins_once_they_are_closed() -> None:
    watchers = Watchers(Feed())
    open_stream = watchers.stream(everything)
    watchers.close()
    assert list(open_stream.response) == [": watching\n\n"]
    with pytest.raises(Unavailable, match="going down"):
        watchers.stream(everything)
    open_stream.close()


def test_notices_are_told_in_order_each_on_one_line() -> None:
    feed = Feed()
    watchers = Watchers(feed)
    response = watchers.stream(everything)
    for number in range(3):
        feed.publish(Notice("round_progress", "s", {"text": f"line\r\n{number}"}))
    watchers.close()
    expected = [f'event: round_progress\ndata: {{"text":"line\\r\\n{number}"}}\n\n' for number in range(3)]
    assert list(response.response) == [": watching\n\n", *expected]
    response.close()
