"""Names and tokens over the whole way: who is let in, who is cut off, and what they are told."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loopback import Federation, plus_one
from waiting import DEADLINE, within

import fedn
from fedn.errors import Forbidden, NameInUse, Unauthenticated
from fedn.security.join import JoinString
from fedn.security.tokens import Role


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Federation]:
    async with Federation(tmp_path, combiners=2) as federation:
        await federation.seed({"a": np.zeros(3, np.float32)})
        yield federation


async def token(network: Federation, role: str, name: str = "") -> dict[str, Any]:
    return await asyncio.to_thread(lambda: network.operator.create_token(role, days=1, name=name))


async def test_a_second_live_client_of_a_name_is_refused(network: Federation) -> None:
    await network.add_client("ada", combiner="c0")
    namesake = fedn.Client(train=plus_one, name="ada")
    with pytest.raises(NameInUse, match="a client named 'ada' is connected already, to combiner c0") as caught:
        await within(namesake.serve(network.join("client"), preferred="c1"))
    assert "--name" in caught.value.hint
    assert network.live() == {"ada": "c0"}
    await network.remove_client("ada")
    await network.until(lambda: not network.live())
    await network.add_client("ada")


async def test_of_two_that_come_at_once_one_is_refused(network: Federation) -> None:
    namesakes = [
        asyncio.create_task(fedn.Client(train=plus_one, name="ada").serve(network.join("client"), preferred=home))
        for home in ("c0", "c1")
    ]
    done, pending = await asyncio.wait(namesakes, timeout=DEADLINE, return_when=asyncio.FIRST_COMPLETED)
    (refused,) = done
    with pytest.raises(NameInUse, match="a client named 'ada' is connected already"):
        refused.result()
    await network.until(lambda: len(network.live()) == 1)
    for task in pending:
        task.cancel()
    await asyncio.wait(namesakes)


async def test_a_client_whose_token_is_revoked_is_cut_off_and_says_why(network: Federation) -> None:
    given = await token(network, "client")
    begun, end = threading.Event(), threading.Event()

    def train(model: Any) -> Any:
        begun.set()
        end.wait(DEADLINE)
        return plus_one(model)

    cut = asyncio.create_task(fedn.Client(train=train, name="cut").serve(given["join"]))
    await network.add_client("kept")
    await network.until(lambda: {"cut", "kept"} <= set(network.live()))
    session = await network.start_session(attempts=1)
    assert await asyncio.to_thread(begun.wait, DEADLINE)
    await asyncio.to_thread(network.operator.revoke_token, given["id"])
    with pytest.raises(Unauthenticated, match="the combiner parted from cut: the token was revoked"):
        await within(cut)
    end.set()
    ended = await network.end_of(session)
    assert (ended.state, ended.rounds_done) == ("finished", 1), ended.error
    (model,) = (await network.trail())[1:]
    updates = (await asyncio.to_thread(network.operator.model, model.id)).updates
    assert [one["client"] for one in updates] == ["kept"]
    with pytest.raises(Unauthenticated, match="the token was revoked"):
        await within(fedn.Client(train=train, name="cut").serve(given["join"]))


async def test_a_token_may_be_for_one_name(network: Federation) -> None:
    given = await token(network, "client", "ada")
    with pytest.raises(Forbidden, match="the token is for 'ada', not for 'eve'"):
        await within(fedn.Client(train=plus_one, name="eve").serve(given["join"]))


@pytest.mark.parametrize("role", ["viewer", "combiner", "operator"])
async def test_a_client_takes_a_clients_token(network: Federation, role: str) -> None:
    given = await token(network, role)
    with pytest.raises(Forbidden, match=f"not for the role {role}"):
        await within(fedn.Client(train=plus_one, name="ada").serve(given["join"]))


async def test_an_expired_and_a_foreign_token_are_refused_at_once(network: Federation, tmp_path: Path) -> None:
    here = JoinString.parse(network.join("client"))
    _, expired = network.services.tokens.issue(Role.CLIENT, days=-1)
    async with Federation(tmp_path / "foreign", combiners=0) as foreign:
        strange = JoinString.parse(foreign.join("client")).token
        with pytest.raises(Unauthenticated, match="has another CA than the join string names"):
            mixed = JoinString(here.host, here.port, JoinString.parse(foreign.join("client")).fingerprint, here.token)
            await within(fedn.Client(train=plus_one).serve(str(mixed)))
    for bad, reason in ((expired, "the token expired on"), (strange, "not issued by the network")):
        join = JoinString(here.host, here.port, here.fingerprint, bad)
        with pytest.raises(Unauthenticated, match=reason):
            await within(fedn.Client(train=plus_one).serve(str(join)))


async def test_tokens_for_combiners_are_renewed_before_they_expire(
    network: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedn.reducer.tokens.SESSION_SECONDS", 2.0)

    def train(model: Any) -> Any:
        time.sleep(0.2)
        return plus_one(model)

    client = await network.add_client("ada", train=train)
    began = time.time()
    session = await network.session(rounds=16, attempts=20)  # longer than any of its tokens is good for
    assert time.time() - began > 3
    assert (session.state, session.rounds_done) == ("finished", 16), session.error
    assert not client.done()
