"""The manifests in `config/kubernetes` as the roles find them: settings, files, secrets, rights and time."""

from __future__ import annotations

from pathlib import Path

from kustomized import render
from manifests import DIRS, container, environment, everywhere, only, pod, role_of, settings, the

from fedn.combiner.app import DRAIN_SECONDS
from fedn.reducer.wsgi import STOP_SECONDS

USER = 10001


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
