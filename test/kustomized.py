"""What `kubectl kustomize` makes of a folder, for the few things that ours use."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import yaml

_KNOWN = {"apiVersion", "kind", "namespace", "resources", "configMapGenerator", "images", "patches"}

Resource = dict[str, Any]


def render(folder: Path) -> list[Resource]:
    """The resources of a folder with a kustomization.yaml; the names of its ConfigMaps bear a digest of the content."""
    found = _build(folder)
    renamed = {}
    for one in found:
        if one["kind"] == "ConfigMap":
            name = one["metadata"]["name"]
            renamed[name] = f"{name}-{hashlib.sha256(json.dumps(one['data']).encode()).hexdigest()[:10]}"
            one["metadata"]["name"] = renamed[name]
    for volume in (volume for one in found for volume in _pod(one).get("volumes", ())):
        if "configMap" in volume:
            volume["configMap"]["name"] = renamed.get(volume["configMap"]["name"], volume["configMap"]["name"])
    return found


def _build(folder: Path) -> list[Resource]:
    plan = yaml.safe_load((folder / "kustomization.yaml").read_bytes())
    assert set(plan) <= _KNOWN, f"{folder}: {set(plan) - _KNOWN} is not understood here"
    found: list[Resource] = []
    for entry in plan["resources"]:
        path = (folder / entry).resolve()
        found += _build(path) if path.is_dir() else list(yaml.safe_load_all(path.read_bytes()))
    for entry in plan.get("configMapGenerator", ()):
        data = {Path(file).name: (folder / file).read_text(encoding="utf-8") for file in entry["files"]}
        same = [one for one in found if one["kind"] == "ConfigMap" and one["metadata"]["name"] == entry["name"]]
        assert bool(same) == (entry.get("behavior") == "replace"), f"{entry['name']}: to be made, or to be replaced?"
        found = [one for one in found if one not in same]
        found.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": entry["name"]}, "data": data})
    for patch in plan.get("patches", ()):
        kind, name = patch["target"]["kind"], patch["target"]["name"]
        (target,) = [one for one in found if one["kind"] == kind and one["metadata"]["name"] == name]
        for operation in yaml.safe_load((folder / patch["path"]).read_bytes()):
            _apply(target, operation)
    for one in found:
        if one["kind"] != "Namespace":
            one["metadata"]["namespace"] = plan["namespace"]
        for container in _pod(one).get("containers", ()):
            for image in plan.get("images", ()):
                if container["image"].partition(":")[0].rpartition("/")[2] == image["name"]:
                    container["image"] = f"{image['newName']}:{image['newTag']}"
    return found


def _pod(resource: Resource) -> dict[str, Any]:
    return resource["spec"]["template"]["spec"] if resource["kind"] == "StatefulSet" else {}


def _apply(target: Any, operation: dict[str, Any]) -> None:
    """One operation of a JSON patch (RFC 6902)."""
    *way, last = operation["path"].replace("~1", "/").lstrip("/").split("/")
    for step in way:
        target = target[int(step)] if isinstance(target, list) else target[step]
    key: Any = int(last) if isinstance(target, list) and last != "-" else last
    match operation["op"]:
        case "test":
            assert target[key] == operation["value"], f"{operation['path']} is {target[key]}"
        case "replace":
            _ = target[key]
            target[key] = operation["value"]
        case "add" if isinstance(target, list):
            target.insert(len(target) if key == "-" else key, operation["value"])
        case "add":
            target[key] = operation["value"]
        case other:
            raise AssertionError(f"{other} is not understood here")
