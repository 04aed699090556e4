"""Rounds over separate hosts: their own networks and names, slow and lossy wires, nothing that dials a client."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import yaml
from cryptography import x509
from hosts.deployment import Deployment, connected, deployment
from hosts.machines import why_not

pytestmark = [
    pytest.mark.skipif(bool(why_not()), reason=why_not()),
    pytest.mark.asyncio(loop_scope="module"),
]

CERTIFICATE = """
import ssl, sys
print(ssl.get_server_certificate((sys.argv[1], int(sys.argv[2]))))
"""
LISTENING = """
for table in ("tcp", "tcp6"):
    for line in open("/proc/net/" + table).readlines()[1:]:
        if line.split()[3] == "0A":
            print(line)
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def built(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    async with deployment(tmp_path_factory.mktemp("hosts")) as deployed:
        yield deployed


@pytest_asyncio.fixture(loop_scope="module")
async def here(built: Deployment) -> AsyncIterator[Deployment]:
    """What a test starts is stopped after it."""
    before = len(built.network.started)
    yield built
    await built.network.stop(but=before)


def names(here: Deployment, host: str, port: int) -> set[str]:
    """Who the server that a client sees there says that it is."""
    shown = here.host("ada").python(CERTIFICATE, host, str(port)).stdout
    certificate = x509.load_der_x509_certificate(ssl.PEM_cert_to_DER_cert(shown))
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in found}


async def test_clients_that_nobody_can_dial_train_over_slow_and_lossy_wires(here: Deployment) -> None:
    """Models of 3 MiB, in streams. One client joins by a settings file with an address, one is behind a NAT."""
    before = await asyncio.to_thread(here.mean)
    file = here.folder / "client.yaml"
    token = await asyncio.to_thread(here.token, "client", "--name", "ben")
    (here.folder / "token").write_text(token["token"])
    controller = {"discover_host": "10.77.0.11", "token_file": str(here.folder / "token")}
    file.write_text(yaml.safe_dump({"controller": controller, "preferred_combiner": "combiner-2"}))
    clients = {
        "ada": await here.client("ada", "--preferred-combiner", "combiner-1"),
        "ben": await here.host("ben").role("client", "--name", "ben", "--init", str(file), *here.data("ben")),
        "cleo": await here.client("cleo", "--preferred-combiner", "combiner-2"),
    }
    places = {name: await connected(process) for name, process in clients.items()}
    assert places == {"ada": "combiner-1", "ben": "combiner-2", "cleo": "combiner-2"}

    session = await here.start_session(rounds=3, clients_required=3)
    ended = await session.end()
    assert (ended["state"], ended["rounds_done"]) == ("finished", 3), ended["error"]
    assert [one["error"] for one in ended["round_list"]] == [""] * 6  # nothing had to be tried again
    assert await asyncio.to_thread(here.mean) == before + 3
    newest = await asyncio.to_thread(here.newest)
    assert {one["client"]: one["combiner"] for one in newest["updates"]} == places
    assert newest["metrics"] == {"mean": before + 3}

    assert await asyncio.to_thread(names, here, "reducer.example.org", 8090) >= {"reducer.example.org", "10.77.0.11"}
    assert "combiner-1.example.org" in await asyncio.to_thread(names, here, "combiner-1.example.org", 12080)
    assert "10.77.0.22" in await asyncio.to_thread(names, here, "10.77.0.22", 12080)
    for name in clients:
        assert (await asyncio.to_thread(here.host(name).python, LISTENING)).stdout == ""


async def test_no_connection_to_a_client_host_can_be_opened(here: Deployment) -> None:
    """There is somebody who listens: the host itself gets through, and the same listener elsewhere is reached."""
    reducer = here.host("reducer")
    for name, address in {"ada": "10.77.0.31", "cleo": "192.168.77.2", "combiner-3": "10.77.0.23"}.items():
        server = await here.host(name).start(sys.executable, "-u", "-m", "http.server", "7000")
        await server.says("Serving")
        assert await asyncio.to_thread(here.host(name).tries, address, 7000) == "open"
        seen = await asyncio.to_thread(reducer.tries, address, 7000)
        assert (seen == "open") == (name == "combiner-3"), f"{name}: {seen}"


async def test_a_combiner_host_that_is_added_while_a_session_runs_takes_part(here: Deployment) -> None:
    """It advertises its own host name, since it isn't told another."""
    before = await asyncio.to_thread(here.mean)
    await connected(await here.client("ada", "--preferred-combiner", "combiner-1"))
    session, added, together = await here.start_session(rounds=500, clients_required=1), False, False
    async for kind, data in session.events():
        if kind == "model" and not added:
            added = True
            await here.combiner("combiner-3")
            await connected(await here.client("ben"), "combiner-[23]")  # neither has clients
            await connected(await here.client("cleo"), "combiner-[23]")
        elif kind == "round_finished" and sum(one["answered"] > 0 for one in data["combiners"]) == 3 and not together:
            together = True
            await asyncio.to_thread(here.operate, "session", "stop", session.id)
    ended = await asyncio.to_thread(session.show)
    assert (ended["state"], together) == ("stopped", True), ended["error"]
    assert await asyncio.to_thread(here.mean) == before + ended["rounds_done"]


async def test_a_client_whose_host_is_cut_off_comes_back_and_goes_on(here: Deployment) -> None:
    """Neither side is told that the plug is out: they have to notice. The round goes on without it."""
    before = await asyncio.to_thread(here.mean)
    clients = {name: await here.client(name) for name in ("ada", "ben")}
    for process in clients.values():
        await connected(process)
    session = await here.start_session(rounds=500, clients_required=1)
    answered: list[int] = []
    async for kind, data in session.events():
        if kind != "round_finished" or data["kind"] != "train" or (answered[-1:] == [2] and 1 in answered):
            continue
        assert data["state"] == "finished", data["error"]
        answered.append(sum(one["answered"] for one in data["combiners"]))
        if answered == [2]:
            here.network.cut("ben")
        elif answered.count(1) == 1 and answered[-1] == 1:
            here.network.mend("ben")
        elif answered[-1] == 2 and 1 in answered:
            await asyncio.to_thread(here.operate, "session", "stop", session.id)
    ended = await asyncio.to_thread(session.show)
    assert ended["state"] == "stopped", ended["error"]
    assert answered[0] == answered[-1] == 2 and 1 in answered
    await clients["ben"].says("trying again")
    assert await asyncio.to_thread(here.mean) == before + ended["rounds_done"]
