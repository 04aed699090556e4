"""The manifests in `config/kubernetes`: valid by the schemas of Kubernetes, and of one piece with FEDn."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from kustomized import Resource, render

from fedn.combiner.app import DRAIN_SECONDS
from fedn.config import CombinerSettings, ReducerSettings, S3Settings, Settings, load_combiner, load_reducer
from fedn.reducer.wsgi import STOP_SECONDS
from fedn.security.policy import PUBLIC, ROUTES

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "config" / "kubernetes"
DIRS = {"base": FOLDER / "base", "example": FOLDER / "overlays" / "example"}
VERSIONS = ("1.29", "1.34")
USER = 10001

KUBECTL = shutil.which("kubectl")

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


@everywhere
def test_settings_load_and_commands_are_those_of_the_roles(name: str, tmp_path: Path) -> None:
    resources = render(DIRS[name])
    reducer, combiner = settings(resources, tmp_path)
    assert combiner.name == "fedn-combiner-0"
    assert combiner.host.startswith("fedn-combiner-0.")
    assert combiner.network_id == reducer.network_id
    assert (combiner.discover_host, combiner.discover_port) == ("fedn-reducer", reducer.port)
    assert combiner.discover_host in reducer.names
    assert combiner.token == "the token"
    service = the(resources, "Service", combiner.discover_host)
    assert [port["port"] for port in service["spec"]["ports"]] == [reducer.port]
    (volume,) = [one for one in pod(the(resources, "StatefulSet", "fedn-combiner"))["volumes"] if one["name"] == "data"]
    assert combiner.spool_bytes < int(volume["emptyDir"]["sizeLimit"].removesuffix("Gi")) * 2**30


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


@everywhere
def test_mounts_have_volumes_and_the_data_folder_is_one(name: str) -> None:
    for one in only(render(DIRS[name]), "StatefulSet"):
        claims = [claim["metadata"]["name"] for claim in one["spec"].get("volumeClaimTemplates", ())]
        volumes = {*claims, *(volume["name"] for volume in pod(one)["volumes"])}
        mounts = {mount["mountPath"]: mount["name"] for mount in container(one)["volumeMounts"]}
        assert set(mounts.values()) == volumes
        assert mounts[environment(one)["FEDN_DATA_DIR"]] == "data"
        assert "/tmp" in mounts, "the root of the file system is read-only"
        assert ("data" in claims) == (role_of(one) == "reducer"), "only a reducer has something to keep"


@everywhere
def test_secrets_are_those_that_the_documentation_makes(name: str) -> None:
    text = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8").replace("\\\n", " ")
    made = {
        found[1]: set(re.findall(r"--from-(?:literal|file)=([\w-]+)=", found[2]))
        for found in re.finditer(r"create secret generic (\S+)([^\n]*)", text)
    }
    for one in only(render(DIRS[name]), "StatefulSet"):
        for volume in pod(one)["volumes"]:
            if secret := volume.get("secret"):
                assert {item["key"] for item in secret["items"]} == made[secret["secretName"]]


@everywhere
def test_selectors_find_pods_and_ports_meet(name: str) -> None:
    resources = render(DIRS[name])
    sets = {role_of(one): one for one in only(resources, "StatefulSet")}
    names = {f"{one['metadata']['name']}-{number}" for one in sets.values() for number in range(9)}
    for role, one in sets.items():
        assert labels(one).items() >= one["spec"]["selector"]["matchLabels"].items()
        assert one["metadata"]["labels"] == labels(one)
        the(resources, "Service", one["spec"]["serviceName"])
        the(resources, "ServiceAccount", pod(one)["serviceAccountName"])
        assert role in pod(one)["serviceAccountName"]
    for service in only(resources, "Service"):
        selector = dict(service["spec"]["selector"])
        one = selector.pop("statefulset.kubernetes.io/pod-name", None)
        assert one is None or one in names
        target = sets[service["metadata"]["labels"]["app.kubernetes.io/component"]]
        assert selector.items() <= labels(target).items()
        ports = {port["name"]: port["containerPort"] for port in container(target)["ports"]}
        assert {port["port"]: ports[port["targetPort"]] for port in service["spec"]["ports"]} == {
            port: port for port in ports.values()
        }
    for kind in ("PodDisruptionBudget", "HorizontalPodAutoscaler"):
        (one,) = only(resources, kind)
        spec = one["spec"]
        assert spec.get("scaleTargetRef", {}).get("name", "fedn-combiner") == "fedn-combiner"
        assert selects(spec.get("selector", {}), sets["combiner"])
        assert kind != "PodDisruptionBudget" or not selects(spec["selector"], sets["reducer"])


@everywhere
def test_probes_ask_what_the_reducer_answers_to_everyone(name: str) -> None:
    sets = {role_of(one): container(one) for one in only(render(DIRS[name]), "StatefulSet")}
    probes = ("startupProbe", "livenessProbe", "readinessProbe")
    for probe in probes:
        http = sets["reducer"][probe]["httpGet"]
        assert http["scheme"] == "HTTPS"
        assert ROUTES[f"GET {http['path']}"] == PUBLIC
        assert http["port"] in {port["name"] for port in sets["reducer"]["ports"]}
        assert sets["combiner"][probe]["tcpSocket"]["port"] in {port["name"] for port in sets["combiner"]["ports"]}
    assert [sets["reducer"][probe]["httpGet"]["path"].rpartition("/")[2] for probe in probes] == [
        "health",
        "health",
        "ready",
    ]


@everywhere
def test_network_policies_let_through_what_is_needed_and_no_more(name: str, tmp_path: Path) -> None:
    resources = render(DIRS[name])
    policies = only(resources, "NetworkPolicy")
    deny = the(policies, "NetworkPolicy", "default-deny")["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    reducer, combiner = settings(resources, tmp_path)
    sets = {role_of(one): one for one in only(resources, "StatefulSet")}

    def ports(role: str, direction: str) -> set[int]:
        rules = [
            rule
            for policy in policies
            if selects(policy["spec"]["podSelector"], sets[role])
            for rule in policy["spec"].get(direction, ())
        ]
        return {port["port"] for rule in rules for port in rule["ports"]}

    stores = {reducer.statestore.port} if not hasattr(reducer.statestore, "path") else set()
    stores |= {reducer.storage.port} if isinstance(reducer.storage, S3Settings) else set()
    assert ports("reducer", "ingress") == {reducer.port}
    assert ports("combiner", "ingress") == {combiner.port}
    assert ports("reducer", "egress") == {53, combiner.port} | stores
    assert ports("combiner", "egress") == {53, reducer.port}


@everywhere
def test_pods_may_do_nothing_that_they_need_not(name: str) -> None:
    resources = render(DIRS[name])
    for one in only(resources, "StatefulSet"):
        security = pod(one)["securityContext"]
        assert (security["runAsNonRoot"], security["runAsUser"], security["fsGroup"]) == (True, USER, USER)
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container(one)["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert pod(one)["automountServiceAccountToken"] is False
        assert pod(one)["enableServiceLinks"] is False, "a Service's variables may be taken for settings"
        assert set(container(one)["resources"]) == {"requests", "limits"}
    assert all(one["automountServiceAccountToken"] is False for one in only(resources, "ServiceAccount"))


@everywhere
def test_pods_are_given_the_time_to_stop(name: str) -> None:
    seconds = {
        role_of(one): pod(one)["terminationGracePeriodSeconds"] for one in only(render(DIRS[name]), "StatefulSet")
    }
    assert seconds["combiner"] > DRAIN_SECONDS + 5
    assert seconds["reducer"] > STOP_SECONDS + 5


def test_each_combiner_that_may_start_has_an_address_outside() -> None:
    resources = render(DIRS["example"])
    (scaler,) = only(resources, "HorizontalPodAutoscaler")
    key = "statefulset.kubernetes.io/pod-name"
    services = {
        one["spec"]["selector"][key]: one for one in only(resources, "Service") if key in one["spec"]["selector"]
    }
    assert set(services) == {f"fedn-combiner-{number}" for number in range(scaler["spec"]["maxReplicas"])}
    combiner = the(resources, "StatefulSet", "fedn-combiner")
    assert "replicas" not in combiner["spec"], "the autoscaler says how many"
    host = environment(combiner)["FEDN_HOST"].replace("fedn-combiner-0", "{}")
    for pod_name, service in services.items():
        assert service["metadata"]["annotations"]["external-dns.alpha.kubernetes.io/hostname"] == host.format(pod_name)
        assert service["spec"]["type"] == "LoadBalancer"


def test_inside_combiners_are_dialled_by_the_names_of_their_service() -> None:
    resources = render(DIRS["base"])
    combiner = the(resources, "StatefulSet", "fedn-combiner")
    service = the(resources, "Service", combiner["spec"]["serviceName"])
    assert service["spec"]["clusterIP"] == "None"
    place = f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc.cluster.local"
    assert environment(combiner)["FEDN_HOST"] == f"fedn-combiner-0.{place}"


def test_the_commands_of_the_documentation_name_what_is_there() -> None:
    text = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
    applied = re.findall(r"kubectl apply -k (\S+)", text)
    assert {(ROOT / path).resolve() for path in applied} == set(DIRS.values())
    assert all((ROOT / path).is_file() for path in re.findall(r"kubectl apply -f (\S+)", text))
    kinds = {"statefulset": "StatefulSet", "service": "Service"}
    named = re.findall(r"kubectl [^\n]*?(statefulset|service)/([a-z-]+)", text)
    assert named
    for kind, name in named:
        the(render(DIRS["base"]), kinds[kind], name)
    for words in re.findall(r"kubectl [^\n]*exec [^\n]*?-- (fedn [^|)\n]+)", text):
        assert shlex.split(words)[0] == "fedn"
