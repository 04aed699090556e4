"""The manifests in `config/kubernetes` as a network: who finds, asks and lets in whom."""

from __future__ import annotations

from pathlib import Path

from kustomized import render
from manifests import DIRS, container, environment, everywhere, labels, only, pod, role_of, selects, settings, the

from fedn.config import S3Settings
from fedn.security.policy import PUBLIC, ROUTES


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
