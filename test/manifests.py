"""The manifests of `config/kubernetes`, rendered, and what is looked for in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kustomized import Resource

from fedn.config import CombinerSettings, ReducerSettings, Settings, load_combiner, load_reducer

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "config" / "kubernetes"
DIRS = {"base": FOLDER / "base", "example": FOLDER / "overlays" / "example"}
GUIDE = ROOT / "docs" / "kubernetes.md"

everywhere = pytest.mark.parametrize("name", DIRS)


def only(resources: list[Resource], kind: str, name: str | None = None) -> list[Resource]:
    return [one for one in resources if one["kind"] == kind and name in (None, one["metadata"]["name"])]


def the(resources: list[Resource], kind: str, name: str) -> Resource:
    (found,) = only(resources, kind, name)
    return found


def pod(stateful_set: Resource) -> dict[str, Any]:
    return stateful_set["spec"]["template"]["spec"]


def labels(stateful_set: Resource) -> dict[str, str]:
    return stateful_set["spec"]["template"]["metadata"]["labels"]


def container(stateful_set: Resource) -> dict[str, Any]:
    (found,) = pod(stateful_set)["containers"]
    return found


def role_of(stateful_set: Resource) -> str:
    return labels(stateful_set)["app.kubernetes.io/component"]


def selects(selector: dict[str, Any], stateful_set: Resource) -> bool:
    return selector.get("matchLabels", {}).items() <= labels(stateful_set).items()


def settings(resources: list[Resource], folder: Path) -> tuple[ReducerSettings, CombinerSettings]:
    """The settings that the first pod of each role reads, from its files and variables."""
    loaded: dict[str, Settings] = {}
    for one in only(resources, "StatefulSet"):
        role, place = role_of(one), folder / role_of(one)
        *words, init, path = container(one)["command"]
        assert (words, init) == (["fedn", "run", role], "--init")
        files = dict(mounted(resources, one))
        text = files[path]
        for mount in re.findall(r"\w_file: *(\S+)", text):
            secret = place / Path(mount).name
            secret.parent.mkdir(parents=True, exist_ok=True)
            secret.write_text(files[mount])
            text = text.replace(mount, str(secret))
        place.mkdir(parents=True, exist_ok=True)
        (place / "settings.yaml").write_text(text)
        load = {"reducer": load_reducer, "combiner": load_combiner}[role]
        loaded[role] = load(place / "settings.yaml", {}, environment(one))
    reducer, combiner = loaded["reducer"], loaded["combiner"]
    assert isinstance(reducer, ReducerSettings) and isinstance(combiner, CombinerSettings)
    return reducer, combiner


def mounted(resources: list[Resource], stateful_set: Resource) -> Iterator[tuple[str, str]]:
    """(path, content) of every file that the pod finds; a Secret's content is `the KEY`."""
    volumes = {volume["name"]: volume for volume in pod(stateful_set)["volumes"]}
    for mount in container(stateful_set)["volumeMounts"]:
        volume = volumes.get(mount["name"], {})
        if "configMap" in volume:
            for file, text in the(resources, "ConfigMap", volume["configMap"]["name"])["data"].items():
                yield f"{mount['mountPath']}/{file}", text
        for item in volume.get("secret", {}).get("items", ()):
            yield f"{mount['mountPath']}/{item['path']}", f"the {item['key']}"


def environment(stateful_set: Resource) -> dict[str, str]:
    """Its first pod's variables, with `$(NAME)` of those before expanded, as Kubernetes does it."""
    found: dict[str, str] = {}
    for one in container(stateful_set)["env"]:
        if "valueFrom" in one:
            assert one["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
            found[one["name"]] = f"{stateful_set['metadata']['name']}-0"
        else:
            found[one["name"]] = re.sub(r"\$\((\w+)\)", lambda match: found[match[1]], one["value"])
    return found
