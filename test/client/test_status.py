"""The status page of `fedn run client`: a process of its own in a real federation."""

from __future__ import annotations

import asyncio
import json
import socket
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from gates import let_through, standing
from loopback import Federation
from processes import Process
from waiting import within

from fedn.config import load_client
from fedn.errors import ConfigError
from fedn.package.archive import build

SECRET = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
HOSTILE = "<img src=x onerror=alert(1)></script>"

TASKS = """
    import json, os, sys
    import numpy as np
    source, target = sys.argv[1:]
    task, round = os.environ["FEDN_TASK"], os.environ["FEDN_ROUND"]
    open(os.path.join(os.environ["GATES"], f"{task}-{round}")).readline()  # a pipe: until somebody writes a line
    if round == "2" and task == "train":
        print(os.environ["PRINTED"])
        sys.exit(1)
    if task == "train":
        np.savez(target, **{name: array + 1 for name, array in np.load(source).items()})
        with open(target + "-metadata", "w") as file:
            json.dump({"num_examples": 12, "metrics": {"loss": 0.25}}, file)
    else:
        json.dump({"accuracy": 0.5, os.environ["PRINTED"]: 1, "text": "no number"}, open(target, "w"))
"""


class StatusPage:
    """What a browser would have of the page."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.web = httpx.AsyncClient(base_url=self.address, timeout=60, trust_env=False)

    async def status(self) -> dict[str, Any]:
        answer = await self.web.get("/status.json")
        assert answer.headers["content-type"] == "application/json"
        return answer.json()

    async def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Read the status anew with each notice, until it is so."""

        async def wait() -> dict[str, Any]:
            async with self.web.stream("GET", "/events") as events:
                async for line in events.aiter_lines():
                    if line and holds(status := await self.status()):
                        return status
            raise EOFError("the stream has ended")

        return await within(wait())


@pytest.fixture
async def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Federation]:
    """A reducer with a package whose tasks wait at gates, and a combiner that hears from its clients often."""
    gates, code = tmp_path / "gates", tmp_path / "project" / "client"
    gates.mkdir()
    monkeypatch.setenv("GATES", str(gates))
    monkeypatch.setenv("PRINTED", f"{HOSTILE} token={SECRET} \x1b[31mred")
    code.mkdir(parents=True)
    (code / "fedn.yaml").write_text(
        "entry_points: {train: {command: python3 tasks.py}, validate: {command: python3 tasks.py}}\n"
    )
    (code / "tasks.py").write_text(textwrap.dedent(TASKS))
    with standing(*(gates / task for task in ("train-1", "validate-1", "train-2", "validate-2"))):
        async with Federation(tmp_path / "data", combiner={"heartbeat_seconds": 0.2}) as network:
            archive = build(code.parent, tmp_path / "package.tgz")
            await asyncio.to_thread(network.operator.upload_package, archive)
            yield network


@pytest.fixture
async def client(network: Federation) -> AsyncIterator[Process]:
    words = ("--name", "north-7", "--status-port", "0")
    process = await Process.start("client", *words, data_dir=network.folder)
    yield process
    await process.stop()


@pytest.fixture
async def page(client: Process) -> AsyncIterator[StatusPage]:
    page = StatusPage(int((await client.says(r"status page is at http://127\.0\.0\.1:(\d+)/"))[1]))
    yield page
    await page.web.aclose()


def opened(network: Federation, task: str) -> None:
    """Let the task at this gate go on."""
    let_through(network.folder.parent / "gates" / task)


async def test_the_page_follows_a_client_through_rounds(network: Federation, client: Process, page: StatusPage) -> None:
    status = await page.until(lambda status: status["state"] == "waiting" and status["load"])
    assert {key: status[key] for key in ("name", "network", "combiner", "round", "task", "trouble")} == {
        "name": "north-7",
        "network": "fedn-network",
        "combiner": "c0",
        "round": None,
        "task": None,
        "trouble": None,
    }
    assert status["reducer"].endswith(f":{network.port}")
    assert status["load"]["memory_bytes"] > 2**20
    assert any("is connected to combiner c0" in line["text"] for line in status["log"])

    await network.seed({"weights": np.zeros(3, np.float32)})
    session = await network.start_session(rounds=2, round_timeout=60.0)
    status = await page.until(lambda status: status["state"] == "training")
    assert (status["session_id"], status["round"], status["task"]["kind"]) == (session.id, 1, "train")
    opened(network, "train-1")
    status = await page.until(lambda status: status["state"] == "validating")
    assert status["tasks"]["done"] == 1
    assert [(one["kind"], one["round"], one["values"]) for one in status["metrics"]] == [("train", 1, {"loss": 0.25})]
    opened(network, "validate-1")
    await page.until(lambda status: (status["state"], status["round"]) == ("training", 2))
    opened(network, "train-2")
    await page.until(lambda status: status["tasks"]["failed"] == 1)
    await asyncio.to_thread(network.operator.stop_session, session.id)
    status = await page.until(lambda status: status["state"] == "waiting" and "printed:" in json.dumps(status["log"]))

    assert (status["tasks"]["done"], status["tasks"]["failed"], status["round"], status["task"]) == (2, 1, 2, None)
    assert "exit status 1" in status["tasks"]["last_failure"]["reason"]
    [shown] = [line for line in status["log"] if "printed: " in line["text"]]
    assert shown["level"] == "ERROR"
    [metric] = set(status["metrics"][1]["values"]) - {"accuracy"}
    for text in (shown["text"], metric):
        assert f"{HOSTILE} token=*** \\x1b[31mred" in text
    assert SECRET not in json.dumps(status)


async def test_the_page_is_files_that_hold_nothing_of_others(page: StatusPage) -> None:
    """Text reaches the page as JSON alone, of a type that no browser takes for a page."""
    for path, kind in (("/", "text/html"), ("/status.css", "text/css"), ("/status.js", "text/javascript")):
        answer = await page.web.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, f"{kind}; charset=utf-8")
        assert "north-7" not in answer.text
    answer = await page.web.get("/status.json")
    assert (answer.headers["x-content-type-options"], "north-7" in answer.text) == ("nosniff", True)


async def test_what_is_not_for_this_page_is_refused(page: StatusPage) -> None:
    assert (await page.web.get("/status.json", headers={"Host": "evil.example"})).status_code == 403
    assert (await page.web.post("/status.json", json={})).status_code == 405


async def test_a_lost_combiner_is_shown_with_the_reason(network: Federation, page: StatusPage) -> None:
    await page.until(lambda status: status["state"] == "waiting")
    port = network.combiners["c0"].port
    await network.combiners.pop("c0").stop()
    status = await page.until(lambda status: status["state"] == "out_of_reach")
    assert f"combiner c0 (localhost:{port})" in status["trouble"]["reason"]
    await network.add_combiner("c0", port=port)
    status = await page.until(lambda status: status["state"] == "waiting")
    assert status["trouble"] is None


async def test_a_reducer_that_is_not_there_is_shown_with_the_reason(network: Federation) -> None:
    join = network.join("client")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    elsewhere = f"fedn://127.0.0.1:{port}/{join.split('/')[3]}/{join.split('/')[4]}"
    words = ("--join", elsewhere, "--status-port", "0", "--name", "lost")
    client = await Process.start("client", *words, data_dir=network.folder)
    page = StatusPage(int((await client.says(r"status page is at http://127\.0\.0\.1:(\d+)/"))[1]))
    try:
        status = await page.until(lambda status: status["state"] == "out_of_reach")
        assert (status["reducer"], status["combiner"]) == (f"127.0.0.1:{port}", "")
        assert str(port) in status["trouble"]["reason"]
    finally:
        await page.web.aclose()
        await client.kill()


async def test_a_client_ends_in_order_while_its_page_is_open(client: Process, page: StatusPage) -> None:
    async with page.web.stream("GET", "/events") as events:
        lines = events.aiter_lines()
        await within(anext(lines))
        await client.says("is connected to")
        client.terminate()
        assert await client.ended() == 0


async def test_a_port_in_use_ends_the_start_before_anything_else(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        client = await Process.start("client", "--status-port", port, data_dir=tmp_path / "none")
        assert await client.ended() == 3
    await client.says(rf"error: port {port} on 127\.0\.0\.1 is in use\nhint: .*--status-port")


async def test_there_is_no_page_unless_asked_for(network: Federation) -> None:
    client = await Process.start("client", "--name", "quiet", "--status-port", "none", data_dir=network.folder)
    try:
        connected = await client.says("is connected to")
        assert "status page" not in connected.string
    finally:
        await client.stop()


@pytest.mark.parametrize(("given", "port"), [("8080", 8080), ("0", 0), ("none", None), ("None", None)])
def test_no_port_is_a_setting_too(given: str, port: int | None) -> None:
    assert load_client(None, {"status_port": given}, {"FEDN_STATUS_PORT": "1"}).status_port == port
    assert load_client(None, {}, {"FEDN_STATUS_PORT": given}).status_port == port


@pytest.mark.parametrize("given", ["65536", "-1", "all"])
def test_what_is_no_port_is_said(given: str) -> None:
    with pytest.raises(ConfigError, match=r"is not a port number from 0 to 65535, or none"):
        load_client(None, {"status_port": given}, {})
