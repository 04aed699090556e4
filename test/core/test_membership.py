"""The register of a combiner against a dictionary, over random histories."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fedn.core.membership import LEGACY_SECONDS, Member, Membership
from fedn.errors import NameInUse

NAMES = st.sampled_from(["ada", "bob", "cyd"])
INSTANCES = st.sampled_from(["", "1", "2"])
"""An empty instance is that of a 2021 client."""


class MembershipHistory(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.register = Membership()
        self.now = 0.0
        self.here: dict[str, Member] = {}
        self.heard: dict[str, float] = {}

    @rule(name=NAMES, instance=INSTANCES, version=st.sampled_from(["0.2", "0.3"]))
    def join(self, name: str, instance: str, version: str) -> None:
        member = Member(name, instance, version, legacy=not instance)
        holder = self.here.get(name)
        if holder is not None and holder.instance != instance:
            with pytest.raises(NameInUse, match=repr(name)):
                self.register.join(member, now=self.now)
        else:
            self.register.join(member, now=self.now)
            self.here[name], self.heard[name] = member, self.now

    @rule(name=NAMES, instance=INSTANCES)
    def leave(self, name: str, instance: str) -> None:
        holds = name in self.here and self.here[name].instance == instance
        assert self.register.leave(name, instance=instance) == holds
        if holds:
            del self.here[name], self.heard[name]

    @rule(name=NAMES)
    def hear(self, name: str) -> None:
        self.register.hear(name, now=self.now)
        if name in self.here:
            self.heard[name] = self.now

    @rule(seconds=st.sampled_from([1.0, LEGACY_SECONDS / 2, LEGACY_SECONDS + 1]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def expire(self) -> None:
        silent = {name for name, member in self.here.items() if member.legacy and self.now - self.heard[name] > 10}
        gone = self.register.expire(now=self.now)
        assert {member.name for member in gone} == silent
        assert gone == [self.here[member.name] for member in gone]
        for name in silent:
            del self.here[name], self.heard[name]
        assert self.register.expire(now=self.now) == []

    @invariant()
    def they_agree(self) -> None:
        assert len(self.register) == len(self.here)
        assert self.register.names() == self.here.keys()
        assert {member.name: member for member in self.register.members()} == self.here
        for name in ("ada", "bob", "cyd"):
            assert self.register.get(name) == self.here.get(name)


TestMembershipHistory = MembershipHistory.TestCase
TestMembershipHistory.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)


def test_a_client_that_reconnects_takes_its_own_place_and_a_namesake_does_not() -> None:
    register = Membership()
    register.join(Member("ada", "1", version="0.2"), now=0)
    register.join(Member("ada", "1", version="0.3"), now=1)
    with pytest.raises(NameInUse):
        register.join(Member("ada", "2"), now=2)
    assert register.members() == [Member("ada", "1", version="0.3")]
    assert register.leave("ada", instance="2") is False
    assert register.leave("ada", instance="1") is True


def test_a_2021_client_is_here_while_it_was_heard_from_in_the_last_ten_seconds() -> None:
    register = Membership()
    register.join(Member("old", legacy=True), now=0)
    register.join(Member("new", "1"), now=0)
    register.hear("old", now=5)
    register.hear("nobody", now=5)
    assert register.expire(now=15) == []
    assert register.expire(now=15.1) == [Member("old", legacy=True)]
    assert register.names() == {"new"}


def test_a_new_stream_is_a_sign_of_life() -> None:
    register = Membership()
    register.join(Member("old", legacy=True), now=0)
    register.join(Member("old", legacy=True), now=9)
    assert register.expire(now=19) == []
