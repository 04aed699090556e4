from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedn.errors import InvalidInput
from fedn.security.join import JoinString

CA = "0123456789abcdef" * 4
part = st.text("abcXYZ019-_", min_size=1, max_size=20)
hosts = st.one_of(st.from_regex(r"[a-z0-9][a-z0-9.-]{0,30}", fullmatch=True), st.ip_addresses().map(str))


@given(
    host=hosts,
    port=st.integers(1, 65535),
    fingerprint=st.text("0123456789abcdef", min_size=64, max_size=64),
    token=st.tuples(part, part, part).map(".".join),
)
def test_text_and_value_are_the_same(host: str, port: int, fingerprint: str, token: str) -> None:
    join = JoinString(host, port, fingerprint, token)
    assert JoinString.parse(str(join)) == join
    assert JoinString.parse(f"  {join}\n") == join


def test_ipv6_stands_in_brackets() -> None:
    assert str(JoinString("::1", 8090, CA, "a.b.c")) == f"fedn://[::1]:8090/{CA}/a.b.c"


def test_upper_case_fingerprint_is_the_same() -> None:
    assert JoinString.parse(f"fedn://h:1/{CA.upper()}/a.b.c").fingerprint == CA


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "does not have the form"),
        ("hello", "does not have the form"),
        (f"https://h:1/{CA}/a.b.c", "does not have the form"),
        (f"fedn://h:1/{CA}", "does not have the form"),
        (f"fedn://h:1/{CA}/a.b.c/", "does not have the form"),
        (f"fedn://h/{CA}/a.b.c", "'h', which is not HOST:PORT"),
        (f"fedn://:1/{CA}/a.b.c", "':1', which is not HOST:PORT"),
        (f"fedn://h:0/{CA}/a.b.c", "'h:0', which is not HOST:PORT"),
        (f"fedn://h:65536/{CA}/a.b.c", "'h:65536', which is not HOST:PORT"),
        (f"fedn://::1:80/{CA}/a.b.c", "'::1:80', which is not HOST:PORT"),
        (f"fedn://h:1/{CA[1:]}/a.b.c", "64 hexadecimal digits"),
        (f"fedn://h:1/{CA[1:]}g/a.b.c", "64 hexadecimal digits"),
        (f"fedn://h:1/{CA}/secret", "not a token"),
        (f"fedn://h:1/{CA}/secret.x.y z", "not a token"),
    ],
)
def test_what_is_no_join_string(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=f"the join string .*{said}") as raised:
        JoinString.parse(text)
    assert "secret" not in str(raised.value)


def test_the_token_is_not_shown() -> None:
    assert "a.b.c" not in repr(JoinString("h", 1, CA, "a.b.c"))
