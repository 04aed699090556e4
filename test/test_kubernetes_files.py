"""The manifests in `config/kubernetes` as files: all in use, and valid by the schemas of Kubernetes."""

from __future__ import annotations

import shutil
import subprocess
from copy import deepcopy
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from kustomized import Resource, render
from manifests import DIRS, FOLDER, container, everywhere, only, the

VERSIONS = ("1.29", "1.34")

KUBECTL = shutil.which("kubectl")


@everywhere
@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_are_valid_to_the_last_field(name: str, version: str) -> None:
    resources = render(DIRS[name])
    assert {"Namespace", "StatefulSet", "Service", "ConfigMap", "NetworkPolicy"} <= {one["kind"] for one in resources}
    for resource in resources:
        kubernetes_validate.validate(resource, version, strict=True)


def test_a_field_that_is_none_is_refused() -> None:
    resource = deepcopy(the(render(DIRS["base"]), "StatefulSet", "fedn-combiner"))
    container(resource)["readynessProbe"] = container(resource).pop("readinessProbe")
    with pytest.raises(kubernetes_validate.ValidationError, match="readynessProbe"):
        kubernetes_validate.validate(resource, VERSIONS[0], strict=True)


def test_every_file_has_its_place() -> None:
    used: set[Path] = set()
    for folder in DIRS.values():
        plan = yaml.safe_load((folder / "kustomization.yaml").read_bytes())
        files = [*plan["resources"], *(patch["path"] for patch in plan.get("patches", ()))]
        files += [file for entry in plan["configMapGenerator"] for file in entry["files"]]
        used |= {folder / "kustomization.yaml", *((folder / file).resolve() for file in files)}
    assert {path for path in FOLDER.rglob("*") if path.is_file()} == {path for path in used if path.is_file()}


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")
@everywhere
def test_kubectl_makes_the_same_of_them(name: str) -> None:
    made = subprocess.run(["kubectl", "kustomize", DIRS[name]], capture_output=True, text=True, check=True).stdout

    def without_digests(resources: list[Resource]) -> list[Resource]:
        maps = [one["metadata"]["name"] for one in only(resources, "ConfigMap")]
        text = yaml.safe_dump(sorted(resources, key=lambda one: (one["kind"], one["metadata"]["name"])))
        for each in maps:
            text = text.replace(each, each[:-11])
        return list(yaml.safe_load(text))

    assert without_digests(list(yaml.safe_load_all(made))) == without_digests(render(DIRS[name]))
