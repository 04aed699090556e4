"""A network in containers: the image, the compose templates and an example's clients, with an engine of the test's own.

The stores are servers of the same protocols in images by the names of MongoDB's and MinIO's: those can't be fetched by
a test. What talks to them is what the templates say.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from containers.engine import ROOT, Engine, NoEngine, build_standins, engine, import_base, obstacle
from servers import free_port
from waiting import DEADLINE

BASE = "fedn-test-base"
CLIENTS = 3
CONFIG = ("-f", "config/base-services.yaml", "-f", "config/reducer.yaml", "-f", "config/combiner.yaml")
NETWORK = ("--project-name", "network", *CONFIG, "-f", "test/containers/combiner-2.yaml")
SANDBOX = ("--project-name", "sandbox", "-f", "config/sandbox.yaml")
STARTED = ("mongo", "minio", "reducer", "combiner", "combiner-2", "tokens")  # Mongo Express has no stand-in
UNWANTED = ("gcc", "cc", "g++", "make", "ld", "as", "git", "curl")
LARGEST = 260_000_000
"""Bytes that the image may have more than its base."""


@contextlib.contextmanager
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine with the project's image and the stores' stand-ins."""
    if reason := obstacle():
        pytest.skip(reason)
    with contextlib.ExitStack() as stack:
        try:
            found = stack.enter_context(engine(tmp_path_factory.mktemp("engine")))
        except NoEngine as error:
            pytest.skip(f"the container engine can't run here: {error}")
        import_base(found, BASE)
        build_standins(found, BASE)
        arguments = ("--build-arg", f"BASE={BASE}", "--file", "docker/Dockerfile", "--tag", "fedn")
        found.docker("build", *arguments, ".", seconds=400)
        yield found


def until(holds: Callable[[], bool]) -> None:
    """Ask in a container until it holds; each time takes a second or so."""
    end = time.monotonic() + 2 * DEADLINE
    while not holds():
        assert time.monotonic() < end


@dataclass(frozen=True)
class Network:
    """A network in containers, and its operator."""

    docker: Engine
    clients: tuple[str, ...]

    def fedn(self, *words: str, seconds: float = 120) -> str:
        """A command of the operator, in the reducer's container."""
        return self.docker.compose(*NETWORK, "exec", "-T", "reducer", "fedn", *words, seconds=seconds)

    def train(self, rounds: int) -> dict[str, Any]:
        """A session to its end, with all clients."""
        try:
            until(lambda: len(json.loads(self.fedn("client", "list", "--json"))) == CLIENTS)
        except AssertionError:
            logs = (self.docker.compose(*which, "logs", "--tail", "10") for which in (NETWORK, self.clients))
            raise AssertionError("\n".join(logs)) from None
        words = ("--rounds", str(rounds), "--clients-required", str(CLIENTS))
        ran: dict[str, Any] = json.loads(self.fedn("session", "start", *words, "--watch", "--json", seconds=240))
        return ran

    def combiners(self) -> dict[str, bool]:
        found = json.loads(self.fedn("combiner", "list", "--json"))
        return {one["name"]: one["connected"] and not one["draining"] for one in found}


@contextlib.contextmanager
def up(docker: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """The templates' network with two combiners, and clients of the example `arrays` that are at work in it."""
    passwords = {"MONGO_PASSWORD": "mongo-secret", "MINIO_PASSWORD": "minio-secret", "MONGO_EXPRESS_PASSWORD": "x"}
    # Ports and an address that no other test has.
    published = {name: str(free_port()) for name in ("FEDN_REDUCER_PORT", "FEDN_COMBINER_PORT")}
    docker.env |= passwords | published | {"FEDN_STORES_ADDRESS": "127.90.0.1"}
    project = tmp_path_factory.mktemp("clients") / "arrays"
    shutil.copytree(ROOT / "test" / "arrays", project)
    partition = [sys.executable, str(project / "client" / "partition.py"), str(project / "data"), str(CLIENTS)]
    subprocess.run(partition, check=True, capture_output=True, timeout=60)
    clients = ("--project-name", "arrays", "-f", str(project / "docker-compose.yaml"))
    try:
        docker.compose(*NETWORK, "up", "--detach", *STARTED)
        found = Network(docker, clients)
        _settings(found, project)
        docker.compose(*clients, "up", "--detach", "--scale", f"client={CLIENTS}")
        _seed(found, project)
        yield found
    finally:
        docker.compose(*clients, "down", "--volumes", "--timeout", "5")
        docker.compose(*NETWORK, "down", "--volumes", "--timeout", "5")


def _settings(network: Network, project: Path) -> None:
    """`client.yaml` as an operator hands it out."""
    join = network.fedn("token", "create", "--role", "client").split()[0]
    text = "network_id: fedn-test-network\ncontroller: {discover_host: reducer, discover_port: 8090, token: %s}\n"
    (project / "client.yaml").write_text(text % join.rpartition("/")[2])


def _seed(network: Network, project: Path) -> None:
    """Upload the package and a seed model, from the reducer's container, as an operator on its machine may."""
    subprocess.run(
        [sys.executable, str(project / "client" / "seed.py"), str(project / "seed.txt")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        timeout=60,
    )
    network.docker.docker("run", "--detach", "--name", "operator", "--network", "fedn_default", "fedn", "sleep", "600")
    join = network.fedn("token", "create", "--role", "operator").split()[0]
    join = join.replace("//localhost:", "//reducer:")
    network.docker.docker("cp", str(project), "operator:/tmp/arrays")
    for words in (("package", "upload", "/tmp/arrays"), ("model", "seed", "/tmp/arrays/seed.txt")):
        network.docker.docker("exec", "--env", f"FEDN_JOIN={join}", "operator", "fedn", *words)
    network.docker.docker("rm", "--force", "--volumes", "operator")


def holds_what_runs_and_nothing_that_builds(docker: Engine) -> None:
    assert docker.docker("run", "--rm", "fedn", "--version") == docker.docker(
        "run", "--rm", "fedn", "fedn", "--version"
    )
    words = f"id -u; for tool in {' '.join(UNWANTED)} pip; do command -v $tool; done; true"
    assert docker.docker("run", "--rm", "fedn", "sh", "-c", words).split() == ["10001"]
    sizes = [docker.inspect(image)["Size"] for image in ("fedn", BASE)]
    assert sizes[0] - sizes[1] < LARGEST


def makes_environments_for_packages(docker: Engine) -> None:
    docker.docker("run", "--rm", "fedn", "sh", "-c", "python -m venv /tmp/v && /tmp/v/bin/python -m pip --version")


def trains_and_goes_on_without_one_of_its_combiners(network: Network) -> None:
    docker = network.docker
    first = network.train(3)
    assert (first["state"], first["rounds_done"]) == ("finished", 3)

    docker.compose(*NETWORK, "stop", "combiner-2")
    assert network.combiners() == {"combiner": True, "combiner-2": False}
    without = network.train(2)
    assert (without["state"], without["rounds_done"]) == ("finished", 2)

    client = docker.container("arrays", "client", 1)
    docker.docker("kill", client)
    docker.docker("start", client)
    again = network.train(2)
    assert (again["state"], again["rounds_done"]) == ("finished", 2)
    assert len(json.loads(network.fedn("model", "list", "--json"))) == 1 + 3 + 2 + 2


def each_role_is_well_and_has_no_rights(network: Network) -> None:
    docker = network.docker
    for service in ("reducer", "combiner"):
        container = docker.container("network", service)
        assert "is well" in docker.docker("exec", container, "fedn", "health")
        found = docker.inspect(container)
        assert found["HostConfig"]["ReadonlyRootfs"]
        assert found["HostConfig"]["CapDrop"] == ["ALL"]
        assert found["Config"]["User"] == "fedn"
    assert "is well" in docker.docker("exec", docker.container("arrays", "client", 2), "fedn", "health")


def a_combiner_sees_its_token_and_no_key(network: Network) -> None:
    container = network.docker.container("network", "combiner")
    words = "cat /run/fedn/combiner/token; ls /run/fedn/client /var/lib/fedn; touch /app/x || true"
    shown = network.docker.docker("exec", container, "sh", "-c", words)
    assert shown.count(".") >= 2
    assert "ca.key" not in shown
    assert "join" not in shown


def comes_back_with_its_models_after_all_of_it_was_taken_down(network: Network) -> None:
    before = network.fedn("model", "list", "--json")
    network.docker.compose(*NETWORK, "stop", "--timeout", "20")
    network.docker.compose(*NETWORK, "rm", "--force", "-v")  # not `down`, for clients are in the network still
    network.docker.compose(*NETWORK, "up", "--detach", *STARTED)
    assert network.fedn("model", "list", "--json") == before
    assert network.train(1)["state"] == "finished"


def the_sandbox_trains_by_itself(docker: Engine) -> None:
    try:
        docker.compose(*SANDBOX, "up", "--detach", "--no-build")
        assert docker.docker("wait", docker.container("sandbox", "train"), seconds=200).strip() == "0"
        assert "10 of 10 rounds done" in docker.compose(*SANDBOX, "logs", "train")
    finally:
        docker.compose(*SANDBOX, "down", "--volumes", "--timeout", "5")


@pytest.mark.timeout(900)
def test_the_image_and_the_templates_make_a_network(tmp_path_factory: pytest.TempPathFactory) -> None:
    """One test, for its parts share what takes minutes to make, and follow one another."""
    with images(tmp_path_factory) as docker:
        holds_what_runs_and_nothing_that_builds(docker)
        makes_environments_for_packages(docker)
        with up(docker, tmp_path_factory) as network:
            trains_and_goes_on_without_one_of_its_combiners(network)
            each_role_is_well_and_has_no_rights(network)
            a_combiner_sees_its_token_and_no_key(network)
            comes_back_with_its_models_after_all_of_it_was_taken_down(network)
        the_sandbox_trains_by_itself(docker)
        assert docker.docker("ps", "--all", "--quiet") == docker.docker("volume", "ls", "--quiet") == ""
