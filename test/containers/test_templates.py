"""The compose files of `config/` are well formed, each and put together, as docker-compose reads them."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"
PASSWORDS = ("MONGO_PASSWORD", "MINIO_PASSWORD", "MONGO_EXPRESS_PASSWORD")
SETS = [
    *[("base-services", *roles) for roles in itertools.product(("reducer",), ("combiner",))],
    ("base-services", "private-network"),
    ("base-services", "reducer", "private-network"),
    ("reducer", "extra-hosts-reducer.yaml.template"),
    ("combiner", "private-network"),
    ("reducer", "reducer-dev"),
    ("combiner", "combiner-dev"),
    ("base-services", "reducer", "combiner", "reducer-dev", "combiner-dev", "private-network"),
    ("sandbox",),
]

needs_compose = pytest.mark.skipif(
    not shutil.which("docker-compose"), reason="not installed: docker-compose, which reads the compose files"
)


def config(*files: Path, **env: str) -> subprocess.CompletedProcess[str]:
    words = [word for file in files for word in ("-f", str(file))]
    kept = {key: value for key, value in os.environ.items() if key not in PASSWORDS}
    return subprocess.run(
        ["docker-compose", *words, "config"],
        env={**kept, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@needs_compose
@pytest.mark.parametrize("names", SETS, ids="+".join)
def test_templates_go_together(names: tuple[str, ...]) -> None:
    files = [CONFIG / (name if "." in name else f"{name}.yaml") for name in names]
    ran = config(*files, **dict.fromkeys(PASSWORDS, "a password"))
    assert ran.returncode == 0, ran.stderr
    found = yaml.safe_load(ran.stdout)
    assert found["networks"]["default"]["name"] == "fedn_default"
    for name, service in found["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


@needs_compose
@pytest.mark.parametrize("password", PASSWORDS)
def test_a_password_that_is_not_set_is_asked_for(password: str) -> None:
    ran = config(CONFIG / "base-services.yaml", **{name: "x" for name in PASSWORDS if name != password})
    assert ran.returncode != 0
    assert "put it into the environment or into .env" in ran.stderr


@needs_compose
@pytest.mark.parametrize("file", sorted(ROOT.glob("test/*/docker-compose.yaml")), ids=lambda file: file.parent.name)
def test_clients_of_examples_join_the_network_of_the_templates(file: Path) -> None:
    ran = config(file, CONFIG / "extra-hosts-client.yaml.template")
    assert ran.returncode == 0, ran.stderr
    assert yaml.safe_load(ran.stdout)["networks"]["default"]["name"] == "fedn_default"


@pytest.mark.parametrize("file", sorted(CONFIG.glob("*.yaml")), ids=lambda file: file.name)
def test_a_template_is_yaml_of_the_version_that_old_and_new_compose_read(file: Path) -> None:
    assert yaml.safe_load(file.read_text(encoding="utf-8"))["version"] == "3.7"


def test_a_combiner_gets_nothing_of_the_reducer_but_its_token() -> None:
    for file in ("combiner.yaml", "sandbox.yaml"):
        services = yaml.safe_load((CONFIG / file).read_text(encoding="utf-8"))["services"]
        for name, service in services.items():
            if name.startswith(("combiner", "client")):
                assert not [volume for volume in service["volumes"] if volume.startswith("reducer-data")], name
